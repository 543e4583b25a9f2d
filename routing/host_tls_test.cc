#include "routing/host_tls.h"

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

TEST(SubjectPattern, IsFoundAnywhereAndByCase) {
  const auto pattern = SubjectPattern::parse("CN=(alice|bob)");
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->matches("CN=alice"));
  EXPECT_TRUE(pattern->matches("O=x,CN=bobby,C=y"));
  EXPECT_FALSE(pattern->matches("CN=Alice"));
  EXPECT_FALSE(pattern->matches(""));
  EXPECT_TRUE(SubjectPattern().matches(""));
}

TEST(SubjectPattern, ThatIsNoneIsRefused) {
  for (const auto* text : {"CN=(", "CN=[", "CN=(?=x)", "CN=*+"}) {
    EXPECT_FALSE(SubjectPattern::parse(text)) << text;
  }
}

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
