#include "controller/cli/weight_words.h"

#include <gtest/gtest.h>

namespace portico::cli {
namespace {

using std::chrono::seconds;

TEST(WeightWords, NameEveryEndpointWhereTheyDiffer) {
  routing::BackendSpec backend;
  backend.endpoints = {{.address = "10.0.0.1", .port = 80, .weight = 3},
                       {.address = "2001:db8::1", .port = 81}};
  EXPECT_EQ(weight_words(backend), "10.0.0.1:80 3, [2001:db8::1]:81 1");
}

TEST(WeightWords, AreNoneWhereAllWeighTheSame) {
  routing::BackendSpec backend;
  EXPECT_EQ(weight_words(backend), "");
  backend.endpoints = {{.address = "10.0.0.1", .port = 80, .weight = 3},
                       {.address = "10.0.0.2", .port = 80, .weight = 3}};
  EXPECT_EQ(weight_words(backend), "");
}

TEST(SlowStartWords, TellHowLong) {
  routing::Settings settings;
  EXPECT_EQ(slow_start_words(nullptr, settings), "");
  settings.slow_start = seconds(20);
  EXPECT_EQ(slow_start_words(nullptr, settings), "a new endpoint gets its whole share after 20 s");
  routing::BalanceSpec balance{.slow_start = seconds(0)};
  EXPECT_EQ(slow_start_words(&balance, settings), "");
  balance.slow_start = seconds(5);
  EXPECT_EQ(slow_start_words(&balance, settings), "a new endpoint gets its whole share after 5 s");
}

TEST(SlowStartWords, AreNoneWhereHashingOrAffinityChooses) {
  routing::Settings settings;
  settings.slow_start = seconds(20);
  const routing::BalanceSpec hashed{.hash_by = "$remote_addr"};
  EXPECT_EQ(slow_start_words(&hashed, settings), "");
  routing::BalanceSpec sticky;
  sticky.affinity.emplace();
  EXPECT_EQ(slow_start_words(&sticky, settings), "");
}

}  // namespace
}  // namespace portico::cli
