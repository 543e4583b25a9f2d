#include "proxy/downstream/misdirected.h"

#include <gtest/gtest.h>

#include "proxy/exchange/testing/config.h"
#include "tls/self_signed.h"
#include "tls/testing/certificates.h"

namespace portico::downstream {
namespace {

TEST(Misdirected, IsARequestForAHostThatTheChosenCertificateDoesNotCover) {
  auto built = exchange::testing::ConfigBuilder()
                   .backend("web", {8001})
                   .route("a.example", "/", "web")
                   .route("b.example", "/", "web")
                   .route("*.c.example", "/", "web")
                   .route("d.a.example", "/", "web")
                   .build();
  auto config = std::make_shared<exchange::Config>(*built);
  auto store = std::make_shared<tls::CertificateStore>(tls::make_self_signed());
  const auto certificate = tls::testing::make_certificate({.names = {"a.example", "*.a.example"}});
  store->set("a.example", certificate);
  config->certificates = std::move(store);

  struct Row {
    const char* sni;
    const char* authority;
    bool misdirected;
  };
  const Row rows[] = {
      {"a.example", "a.example", false},
      {"a.example", "A.example:8443", false},
      {"a.example", "b.example", true},
      {"a.example", "x.c.example:443", true},
      {"a.example", "d.a.example", false},      // covered by the wildcard
      {"a.example", "unknown.example", false},  // 404 says it
      {"", "b.example", false},                 // no name was sent
      {"other.example", "b.example", false},    // the default certificate
  };
  for (const auto& row : rows) {
    const net::TlsInfo tls{.sni = row.sni};
    EXPECT_EQ(is_misdirected(*config, tls, row.authority), row.misdirected)
        << row.sni << " " << row.authority;
  }
}

}  // namespace
}  // namespace portico::downstream
