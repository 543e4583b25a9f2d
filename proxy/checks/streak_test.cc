#include "proxy/checks/streak.h"

#include <string_view>

#include <gtest/gtest.h>

namespace portico::checks {
namespace {

// What is thought after each check: '+' a good one, '-' a failed one; 'i' ill, 'w' well.
std::string opinions(Streak streak, std::string_view checks,
                     const routing::HealthCheckSpec& spec = {.unhealthy_after = 3,
                                                             .healthy_after = 2}) {
  std::string text;
  for (const char check : checks) {
    const bool before = streak.is_ill();
    EXPECT_EQ(streak.count(check == '+', spec), before != streak.is_ill());
    text.push_back(streak.is_ill() ? 'i' : 'w');
  }
  return text;
}

TEST(Streak, FailuresInARowMakeIll) {
  EXPECT_EQ(opinions(Streak(false), "---"), "wwi");
  EXPECT_EQ(opinions(Streak(false), "--+--+---"), "wwwwwwwwi");
}

TEST(Streak, GoodChecksInARowMakeWell) {
  EXPECT_EQ(opinions(Streak(true), "++"), "iw");
  EXPECT_EQ(opinions(Streak(true), "+-+-++"), "iiiiiw");
}

TEST(Streak, ChangingBeginsToCountAnew) {
  EXPECT_EQ(opinions(Streak(false), "---++--+---"), "wwiiwwwwwwi");
}

TEST(Streak, OneIsEnoughWhereOneIsAskedFor) {
  EXPECT_EQ(opinions(Streak(false), "-+-", {.unhealthy_after = 1, .healthy_after = 1}), "iwi");
}

TEST(Streak, TheMostThatMayBeAskedForIsReached) {
  Streak streak(false);
  const routing::HealthCheckSpec spec{.unhealthy_after = 255};
  for (int i = 0; i < 254; ++i) {
    EXPECT_FALSE(streak.count(false, spec));
  }
  EXPECT_TRUE(streak.count(false, spec));
}

}  // namespace
}  // namespace portico::checks
