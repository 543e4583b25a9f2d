#include "proxy/exchange/client_admission.h"

#include <gtest/gtest.h>

#include "tls/client_certificate.h"

namespace portico::exchange {
namespace {

using routing::ClientVerification;
using routing::HostTls;

HostTls host(ClientVerification verify) {
  return {.authority_secret = "default/ca", .authorities_pem = "ca", .verify = verify};
}

std::uint16_t status(const HostTls& host, const net::TlsInfo* tls) {
  return admit_client(host, {.peer = {}, .local = {}, .tls = tls}).status;
}

TEST(ClientAdmission, ARefusedHostIsClosedToEverybody) {
  const net::TlsInfo tls{.sni = "a.example.com"};
  const HostTls refused{.refused_because = "no Secret"};
  EXPECT_EQ(status(refused, nullptr), 403);
  EXPECT_EQ(status(refused, &tls), 403);
}

TEST(ClientAdmission, PlainTextHasNoCertificate) {
  EXPECT_EQ(status(host(ClientVerification::kOn), nullptr), 400);
  EXPECT_EQ(status(host(ClientVerification::kOptional), nullptr), 0);
  EXPECT_EQ(status(host(ClientVerification::kOptionalNoCa), nullptr), 0);
  EXPECT_EQ(status(host(ClientVerification::kOff), nullptr), 0);
}

TEST(ClientAdmission, AConnectionThatWasNotAskedIsMisdirectedWhereItNamedAServer) {
  const net::TlsInfo named{.sni = "b.example.com"};
  const net::TlsInfo nameless;
  for (const auto verify : {ClientVerification::kOn, ClientVerification::kOptional,
                            ClientVerification::kOptionalNoCa}) {
    EXPECT_EQ(status(host(verify), &named), 421);
  }
  EXPECT_EQ(status(host(ClientVerification::kOn), &nameless), 400);
  EXPECT_EQ(status(host(ClientVerification::kOptional), &nameless), 0);
  EXPECT_EQ(status(host(ClientVerification::kOff), &named), 0);
}

TEST(ClientAdmission, TellsTheClientThatACertificateIsNeeded) {
  const auto admission =
      admit_client(host(ClientVerification::kOn), {.peer = {}, .local = {}, .tls = nullptr});
  EXPECT_EQ(admission.reason, "the client sent no certificate");
  EXPECT_EQ(admission.message, "A client certificate is needed, and none was sent.");
}

TEST(ClientAdmission, WithoutACertificateNoSubjectMatches) {
  auto optional = host(ClientVerification::kOptional);
  optional.subject = *routing::TextPattern::parse("CN=alice");
  EXPECT_EQ(status(optional, nullptr), 403);
  auto off = host(ClientVerification::kOff);
  off.subject = optional.subject;
  EXPECT_EQ(status(off, nullptr), 403);
}

}  // namespace
}  // namespace portico::exchange
