#include "tls/staple.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tls/inspect.h"
#include "tls/self_signed.h"
#include "tls/server_context.h"
#include "tls/testing/certificates.h"
#include "tls/testing/client.h"

namespace portico::tls {
namespace {

using testing::Authority;
using testing::Client;
using ::testing::HasSubstr;
using ::testing::Optional;

// The issuer stands behind the leaf, as its OCSP response is checked by it.
struct Site {
  Authority authority;
  std::shared_ptr<routing::CertificateSpec> leaf;

  Site() {
    leaf =
        std::make_shared<routing::CertificateSpec>(*authority.issue({.names = {"a.example.com"}}));
    leaf->chain_pem += authority.pem();
  }
};

// What a client that asks is told; empty: nothing.
std::string stapled(const Site& site, const ServerOptions& options = {}, bool asks = true) {
  auto store = std::make_shared<CertificateStore>(make_self_signed());
  store->set("a.example.com", site.leaf);
  const auto engine = Engine::server(*ServerContext::create(options, nullptr), std::move(store));
  Client client;
  if (asks) {
    SSL_set_tlsext_status_type(client.ssl(), TLSEXT_STATUSTYPE_ocsp);
  }
  EXPECT_TRUE(testing::shake_hands(*engine, client)) << engine->failure();
  const unsigned char* response = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(client.ssl(), &response);
  return size <= 0
             ? std::string()
             : std::string(reinterpret_cast<const char*>(response), static_cast<std::size_t>(size));
}

std::string problem(const Site& site) {
  const auto facts = inspect(*site.leaf);
  return facts ? facts->staple_problem : facts.error();
}

TEST(Staple, IsHandedToClientsThatAsk) {
  Site site;
  site.leaf->ocsp_response = site.authority.ocsp_response(*site.leaf);
  EXPECT_EQ(problem(site), "");
  EXPECT_EQ(stapled(site), site.leaf->ocsp_response);
  EXPECT_EQ(stapled(site, {}, false), "");
  EXPECT_EQ(stapled(site, {.staples_ocsp = false}), "");
  EXPECT_EQ(ERR_peek_error(), 0);
}

TEST(Staple, IsNotHandedOutOnceItHasExpired) {
  Site site;
  site.leaf->ocsp_response = site.authority.ocsp_response(*site.leaf, true, -1);
  EXPECT_EQ(problem(site), "");
  EXPECT_EQ(stapled(site), "");
}

TEST(Staple, SaysWhenItHasExpiredOrIsAboutTo) {
  constexpr std::int64_t kDay = 86'400;
  Site site;
  site.leaf->ocsp_response = site.authority.ocsp_response(*site.leaf, true, 7);
  const auto facts = *inspect(*site.leaf);
  const auto until = facts.staple_until_unix_seconds;
  EXPECT_EQ(staple_validity_problem(facts, until - 2 * kDay), std::nullopt);
  EXPECT_THAT(staple_validity_problem(facts, until - kDay / 2),
              Optional(HasSubstr("tls.ocsp expires on 20")));
  EXPECT_THAT(staple_validity_problem(facts, until + 1),
              Optional(HasSubstr("tls.ocsp expired on 20")));
  EXPECT_EQ(staple_validity_problem(CertificateFacts(), until), std::nullopt);
}

TEST(Staple, ThatIsNoneOfTheCertificatesIsRefused) {
  Site site;
  Site other;
  site.leaf->ocsp_response = other.authority.ocsp_response(*other.leaf);
  EXPECT_EQ(problem(site), "tls.ocsp is about another certificate");
  EXPECT_EQ(stapled(site), "");
  site.leaf->ocsp_response = site.authority.ocsp_response(*site.leaf, false);
  EXPECT_EQ(problem(site), "tls.ocsp does not say that the certificate is good");
  site.leaf->ocsp_response = "nonsense";
  EXPECT_EQ(problem(site), "tls.ocsp is no OCSP response in DER");
  EXPECT_EQ(stapled(site), "");
  EXPECT_EQ(ERR_peek_error(), 0);
}

TEST(Staple, SignedBySomebodyElseIsRefused) {
  Site site;
  // The same names, another key.
  site.leaf->ocsp_response = Authority().ocsp_response(*site.leaf);
  EXPECT_NE(problem(site), "");
  EXPECT_EQ(stapled(site), "");
}

TEST(Staple, CantBeCheckedWithoutTheIssuer) {
  Site site;
  site.leaf->ocsp_response = site.authority.ocsp_response(*site.leaf);
  site.leaf->chain_pem = site.leaf->chain_pem.substr(0, site.leaf->chain_pem.rfind("-----BEGIN"));
  EXPECT_THAT(problem(site), HasSubstr("does not hold the issuer"));
}

}  // namespace
}  // namespace portico::tls
