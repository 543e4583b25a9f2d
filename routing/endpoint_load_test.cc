#include "routing/endpoint_load.h"

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const EndpointLoad::Clock::time_point kStart{std::chrono::hours(1)};

TEST(EndpointLoad, CountsWhatIsOpen) {
  EndpointLoad load;
  load.began();
  load.began();
  load.ended();
  EXPECT_EQ(load.open(), 1U);
  load.ended();
  load.ended();
  EXPECT_EQ(load.open(), 0U);
}

TEST(EndpointLoad, TheFirstAnswerIsBelieved) {
  EndpointLoad load;
  EXPECT_FALSE(load.heard());
  load.answered(milliseconds(20), kStart);
  EXPECT_TRUE(load.heard());
  EXPECT_NEAR(load.expected_seconds(kStart), 0.020, 1e-9);
}

TEST(EndpointLoad, ASlowAnswerCountsAtOnce) {
  EndpointLoad load;
  load.answered(milliseconds(10), kStart);
  load.answered(milliseconds(500), kStart + milliseconds(600));
  EXPECT_NEAR(load.expected_seconds(kStart + milliseconds(600)), 0.500, 1e-9);
}

TEST(EndpointLoad, FastAnswersAreBelievedWithinTensOfSeconds) {
  EndpointLoad load;
  load.answered(seconds(1), kStart);
  auto now = kStart;
  for (; now < kStart + seconds(10); now += milliseconds(100)) {
    load.answered(milliseconds(10), now);
  }
  EXPECT_NEAR(load.expected_seconds(now), 0.37, 0.03);
  for (; now < kStart + seconds(60); now += milliseconds(100)) {
    load.answered(milliseconds(10), now);
  }
  EXPECT_LT(load.expected_seconds(now), 0.02);
}

TEST(EndpointLoad, WhoIsNotHeardOfGetsAnotherChance) {
  EndpointLoad load;
  load.answered(seconds(1), kStart);
  EXPECT_LT(load.expected_seconds(kStart + seconds(60)), 0.003);
}

TEST(EndpointLoad, FailingFastIsNotBeingFast) {
  EndpointLoad load;
  load.answered(milliseconds(100), kStart);
  load.failed(milliseconds(0), kStart);
  EXPECT_NEAR(load.expected_seconds(kStart), 0.200, 1e-9);
  load.failed(milliseconds(0), kStart);
  EXPECT_NEAR(load.expected_seconds(kStart), 0.400, 1e-9);
  load.failed(seconds(5), kStart);
  EXPECT_NEAR(load.expected_seconds(kStart), 5, 1e-9);
}

TEST(EndpointLoad, AFailureIsNeverWorseThanAMinute) {
  EndpointLoad load;
  for (int i = 0; i < 100; ++i) {
    load.failed(milliseconds(1), kStart);
  }
  EXPECT_NEAR(load.expected_seconds(kStart), 60, 1e-9);
}

TEST(IsFaster, GoesByTheTimeOfAnAnswerAndWhatIsOpen) {
  EndpointLoad fast;
  EndpointLoad slow;
  fast.answered(milliseconds(10), kStart);
  slow.answered(milliseconds(100), kStart);
  EXPECT_TRUE(is_faster(fast, slow, kStart));
  EXPECT_FALSE(is_faster(slow, fast, kStart));
  for (int i = 0; i < 20; ++i) {
    fast.began();
  }
  EXPECT_TRUE(is_faster(slow, fast, kStart));
}

TEST(IsFaster, WhoIsNewCountsAsFastAsTheOther) {
  EndpointLoad known;
  EndpointLoad unknown;
  known.answered(milliseconds(100), kStart);
  EXPECT_FALSE(is_faster(unknown, known, kStart));
  EXPECT_FALSE(is_faster(known, unknown, kStart));
  unknown.began();
  EXPECT_TRUE(is_faster(known, unknown, kStart));
}

// One that hangs is left at once, though it has not answered and so can't be known to be slow.
TEST(IsFaster, OneThatHangsFillsUp) {
  EndpointLoad hangs;
  EndpointLoad answers;
  hangs.answered(milliseconds(10), kStart);
  answers.answered(milliseconds(10), kStart);
  hangs.began();
  EXPECT_TRUE(is_faster(answers, hangs, kStart));
}

TEST(HasFewerOpen, CountsThemByWeight) {
  EndpointLoad heavy;
  EndpointLoad light;
  constexpr std::uint32_t kThree = 3 * kWholePart;
  EXPECT_FALSE(has_fewer_open(heavy, light, kThree, kWholePart));
  EXPECT_FALSE(has_fewer_open(light, heavy, kWholePart, kThree));
  for (int i = 0; i < 3; ++i) {
    heavy.began();
  }
  EXPECT_TRUE(has_fewer_open(light, heavy, kWholePart, kThree));
  light.began();
  EXPECT_FALSE(has_fewer_open(light, heavy, kWholePart, kThree));
  EXPECT_FALSE(has_fewer_open(heavy, light, kThree, kWholePart));
  light.began();
  EXPECT_TRUE(has_fewer_open(heavy, light, kThree, kWholePart));
}

TEST(IsFaster, AHeavyOneIsBusyWithMore) {
  EndpointLoad heavy;
  EndpointLoad light;
  constexpr std::uint32_t kThree = 3 * kWholePart;
  heavy.began();
  heavy.began();
  light.began();
  EXPECT_TRUE(is_faster(heavy, light, kStart, kThree, kWholePart));
  EXPECT_TRUE(is_faster(light, heavy, kStart));
  heavy.began();
  heavy.began();
  EXPECT_TRUE(is_faster(light, heavy, kStart, kWholePart, kThree));
}

}  // namespace
}  // namespace portico::routing
