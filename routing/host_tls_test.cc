#include "routing/host_tls.h"

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

TEST(HostTls, TrustIsAuthoritiesRevocationsAndDepth) {
  const HostTls tls{.authorities_pem = "ca", .revocations_pem = "crl", .verify_depth = 2};
  auto other = tls;
  other.verify = ClientVerification::kOptional;
  other.error_page = "https://help";
  EXPECT_TRUE(tls.same_trust(other));
  other.revocations_pem = "";
  EXPECT_FALSE(tls.same_trust(other));
  other = tls;
  other.authorities_pem = "other";
  EXPECT_FALSE(tls.same_trust(other));
  other = tls;
  other.verify_depth = 1;
  EXPECT_FALSE(tls.same_trust(other));
}

}  // namespace
}  // namespace portico::routing
