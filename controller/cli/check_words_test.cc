#include "controller/cli/check_words.h"

#include <gtest/gtest.h>

namespace portico::cli {
namespace {

using routing::HealthCheckSpec;

std::string words(HealthCheckSpec check) {
  const routing::BalanceSpec balance{.health_check = std::move(check)};
  return check_words(&balance);
}

TEST(CheckWords, NothingIsSaidWhereNothingIsChecked) {
  const routing::BalanceSpec nothing;
  EXPECT_EQ(check_words(nullptr), "");
  EXPECT_EQ(check_words(&nothing), "");
}

TEST(CheckWords, SayWhatIsAskedAndHowOften) {
  EXPECT_EQ(words({.path = "/healthz"}), "http /healthz every 5 s");
  EXPECT_EQ(words({.kind = HealthCheckSpec::Kind::kTcp,
                   .port = 81,
                   .interval = std::chrono::milliseconds(500)}),
            "tcp on port 81 every 0.5 s");
  EXPECT_EQ(words({.kind = HealthCheckSpec::Kind::kGrpc}), "grpc every 5 s");
  EXPECT_EQ(words({.kind = HealthCheckSpec::Kind::kGrpc, .grpc_service = "shop.v1.Cart"}),
            "grpc shop.v1.Cart every 5 s");
}

}  // namespace
}  // namespace portico::cli
