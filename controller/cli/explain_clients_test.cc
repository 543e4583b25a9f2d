#include "controller/cli/explain_clients.h"

#include <gtest/gtest.h>

namespace portico::cli {
namespace {

using routing::ClientVerification;
using routing::HostTls;
using routing::TextPattern;

HostTls host(ClientVerification verify) {
  HostTls tls;
  tls.authority_secret = "shop/ca";
  tls.authorities_pem = "pem";
  tls.verify = verify;
  return tls;
}

TEST(ExplainClients, AHostWithoutAuthoritiesAsksForNothing) {
  EXPECT_EQ(certificates_asked(HostTls()), "");
  EXPECT_EQ(answer_without_certificate(HostTls()), "");
}

TEST(ExplainClients, TellsWhatEachKindOfVerificationAsks) {
  EXPECT_EQ(certificates_asked(host(ClientVerification::kOn)),
            "must show a certificate (else 400), signed by Secret shop/ca (depth 1)");
  EXPECT_EQ(certificates_asked(host(ClientVerification::kOptional)),
            "may show a certificate (a bad one: 400), signed by Secret shop/ca (depth 1)");
  EXPECT_EQ(certificates_asked(host(ClientVerification::kOptionalNoCa)),
            "may show a certificate (a bad one: 400), signed by anybody or by Secret shop/ca "
            "(depth 1)");
}

TEST(ExplainClients, TellsOfErrorPageSubjectAndRevocation) {
  auto tls = host(ClientVerification::kOn);
  tls.error_page = "https://login.test/";
  tls.revocations_pem = "pem";
  tls.subject = TextPattern::parse("CN=alice").value();
  EXPECT_EQ(certificates_asked(tls),
            "must show a certificate (else 302 to https://login.test/), signed by Secret shop/ca "
            "(depth 1), not revoked, whose subject matches CN=alice (else 403)");
}

TEST(ExplainClients, TellsWhatAClientWithoutACertificateIsAnswered) {
  EXPECT_EQ(answer_without_certificate(host(ClientVerification::kOn)),
            "400: the client shows no certificate");
  EXPECT_EQ(answer_without_certificate(host(ClientVerification::kOptional)), "");
  auto by_subject = host(ClientVerification::kOptional);
  by_subject.subject = TextPattern::parse("CN=alice").value();
  EXPECT_EQ(answer_without_certificate(by_subject), "403: the client shows no certificate");
  auto closed = host(ClientVerification::kOn);
  closed.refused_because = "there is no Secret \"shop/ca\"";
  EXPECT_EQ(certificates_asked(closed), "");
  EXPECT_EQ(answer_without_certificate(closed), "403: there is no Secret \"shop/ca\"");
}

}  // namespace
}  // namespace portico::cli
