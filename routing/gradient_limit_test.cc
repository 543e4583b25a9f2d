#include "routing/gradient_limit.h"

#include <algorithm>
#include <array>
#include <utility>

#include <gtest/gtest.h>

#include "routing/balance.h"

namespace portico::routing {
namespace {

using namespace std::chrono_literals;
using Clock = GradientLimit::Clock;
using Verdict = GradientLimit::Verdict;

// Adds windows of a tenth of a second, one after the other.
struct GradientLimitTest : ::testing::Test {
  void add(double seconds, std::uint32_t most_under_way) {
    now += 100ms;
    limit.add({.seconds = seconds, .most_under_way = most_under_way, .end = now});
  }
  void add_all_used(double seconds, int windows) {
    for (int i = 0; i < windows; ++i) {
      add(seconds, limit.limit());
    }
  }
  GradientLimit limit;
  Clock::time_point now{1h};
};

TEST_F(GradientLimitTest, GrowsWhileItIsUsedAndNothingWaits) {
  add(0.02, 1);
  add_all_used(0.02, 10);
  EXPECT_GT(limit.limit(), 5 * GradientLimit::kFirst);
}

TEST_F(GradientLimitTest, DoesNotGrowWhileItIsNotUsed) {
  for (int i = 0; i < 100; ++i) {
    add(0.02, limit.limit() / 2);
  }
  EXPECT_EQ(limit.limit(), GradientLimit::kFirst);
}

TEST_F(GradientLimitTest, FallsWhileAnswersTakeLongerAndLessOfThem) {
  add(0.02, 1);
  add(0.1, limit.limit());
  EXPECT_LT(limit.limit(), GradientLimit::kFirst);
}

TEST_F(GradientLimitTest, StaysWhereHardlyAnyOfItIsUsedHoweverLongAnswersTake) {
  add(0.02, 1);
  for (int i = 0; i < 100; ++i) {
    add(i % 2 == 0 ? 0.02 : 2.0, limit.limit() / 5);
  }
  EXPECT_EQ(limit.limit(), GradientLimit::kFirst);
}

TEST_F(GradientLimitTest, TakesASlownessForTheBackendsOwnWhereLessDoesNotHelp) {
  add(0.02, 1);
  add_all_used(0.2, 20);
  EXPECT_NEAR(limit.baseline(), 0.2, 0.001);
  EXPECT_GE(limit.limit(), 20U) << "it has had time to grow again";
}

TEST_F(GradientLimitTest, HalvesItselfToMeasureAgainAndAgainWhereThatHelps) {
  std::uint32_t least = limit.limit();
  for (int i = 0; i < 10; ++i) {  // one at a time is all that the backend can do
    add(0.01 * limit.limit(), limit.limit());
    least = std::min(least, limit.limit());
  }
  EXPECT_EQ(least, GradientLimit::kLeast);
  EXPECT_LE(limit.baseline(), 0.05);
}

TEST_F(GradientLimitTest, MeasuresAtTheSameTimeAsOthers) {
  const auto phase = 7s;  // of this one's clock
  limit = GradientLimit(GradientLimit::kMost, phase);
  int times = 0;
  bool is_lower = false;
  for (int i = 0; i < 1000; ++i) {
    // Somewhat slower than where less is let in, and too little used to grow.
    add(is_lower ? 0.02 : 0.024, GradientLimit::kFirst / 3);
    const bool was_lower = std::exchange(is_lower, limit.limit() < GradientLimit::kFirst);
    if (i > 10 && is_lower && !was_lower) {
      ++times;
      EXPECT_LT((now.time_since_epoch() + phase) % 30s, 1s) << i;
    }
  }
  EXPECT_GE(times, 3);
}

TEST_F(GradientLimitTest, GivesUpMeasuringWhereHardlyAnythingComes) {
  add(0.02, limit.limit());
  ASSERT_EQ(limit.limit(), GradientLimit::kFirst / 2);
  limit.skip();
  EXPECT_EQ(limit.limit(), GradientLimit::kFirst);
}

TEST_F(GradientLimitTest, StaysWithinItsBoundsWhateverComes) {
  constexpr std::array<double, 8> kSeconds{0, 1e-9, 0.001, 0.02, 0.3, 5, 60, 1e9};
  Lots lots(1);
  for (const std::uint32_t most : {0U, 3U, 7U, 200U, 4'000'000'000U}) {
    limit = GradientLimit(most);
    const auto bound = std::clamp(most, GradientLimit::kLeast, GradientLimit::kMost);
    for (int i = 0; i < 20'000; ++i) {
      const auto lot = lots.next();
      if (lot % 16 == 0) {
        limit.skip();
      } else {
        add(kSeconds[lot / 16 % 8], lot / 128 % 2 == 0 ? limit.limit() : lot / 256 % 20'000);
      }
      ASSERT_GE(limit.limit(), GradientLimit::kLeast);
      ASSERT_LE(limit.limit(), bound);
    }
  }
}

TEST(GradientLimitWindow, TakesEnoughAnswersAndLongEnough) {
  EXPECT_EQ(GradientLimit::judge(49, 900ms, 0.02), Verdict::kWait);
  EXPECT_EQ(GradientLimit::judge(50, 99ms, 0.02), Verdict::kWait);
  EXPECT_EQ(GradientLimit::judge(50, 100ms, 0.02), Verdict::kAdd);
  EXPECT_EQ(GradientLimit::judge(1000, 500ms, 0.3), Verdict::kWait) << "most began before it";
  EXPECT_EQ(GradientLimit::judge(1000, 600ms, 0.3), Verdict::kAdd);
}

TEST(GradientLimitWindow, TakesFewAnswersWhereMoreDoNotCome) {
  EXPECT_EQ(GradientLimit::judge(10, 1s, 0.02), Verdict::kAdd);
  EXPECT_EQ(GradientLimit::judge(9, 29s, 0.02), Verdict::kWait);
  EXPECT_EQ(GradientLimit::judge(9, 30s, 0.02), Verdict::kSkip);
  EXPECT_EQ(GradientLimit::judge(10, 10s, 60), Verdict::kAdd) << "no window is longer for them";
}

}  // namespace
}  // namespace portico::routing
