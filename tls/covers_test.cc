#include "tls/covers.h"

#include <gtest/gtest.h>

#include "tls/testing/certificates.h"

namespace portico::tls {
namespace {

TEST(Covers, KnowsTheNamesOfACertificate) {
  const Certificate certificate(testing::make_certificate({.names = {"a.example", "*.b.example"}}));
  EXPECT_TRUE(covers(certificate, "a.example"));
  EXPECT_TRUE(covers(certificate, "x.b.example"));
  EXPECT_FALSE(covers(certificate, "b.example"));
  EXPECT_FALSE(covers(certificate, "x.y.b.example"));
  EXPECT_FALSE(covers(certificate, "c.example"));
  EXPECT_FALSE(covers(certificate, ""));
}

TEST(Covers, FindsNothingInACertificateThatDoesNotParse) {
  auto broken = std::make_shared<routing::CertificateSpec>();
  EXPECT_FALSE(covers(Certificate(broken), "a.example"));
}

}  // namespace
}  // namespace portico::tls
