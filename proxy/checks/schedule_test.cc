#include "proxy/checks/schedule.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "routing/stable_hash.h"

namespace portico::checks {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;

struct ScheduleTest : ::testing::Test {
  // What begins at a moment, in order.
  std::vector<CheckId> begin_all(Schedule::Time now) {
    std::vector<CheckId> all;
    while (const auto id = schedule.begin(now)) {
      all.push_back(*id);
    }
    return all;
  }

  Schedule schedule;
  const Schedule::Time t0 = Schedule::Clock::now();
};

TEST_F(ScheduleTest, NothingIsDueWhereNothingIs) {
  EXPECT_FALSE(schedule.begin(t0));
  EXPECT_FALSE(schedule.next());
}

TEST_F(ScheduleTest, TheFirstCheckIsDueWhereItsPlaceSays) {
  schedule.add(CheckId{0}, milliseconds(1'000), kHalf, t0);
  EXPECT_EQ(schedule.next(), t0 + milliseconds(500));
  EXPECT_FALSE(schedule.begin(t0 + milliseconds(499)));
  EXPECT_EQ(schedule.begin(t0 + milliseconds(500)), CheckId{0});
}

TEST_F(ScheduleTest, ACheckIsNotDueAgainBeforeItHasFinished) {
  schedule.add(CheckId{0}, milliseconds(1'000), 0, t0);
  EXPECT_EQ(schedule.begin(t0), CheckId{0});
  EXPECT_FALSE(schedule.begin(t0 + milliseconds(5'000)));
  EXPECT_FALSE(schedule.next());
  schedule.finish(CheckId{0}, t0 + milliseconds(300));
  EXPECT_EQ(schedule.next(), t0 + milliseconds(1'000));
}

TEST_F(ScheduleTest, OneThatWasLateKeepsItsPlace) {
  schedule.add(CheckId{0}, milliseconds(1'000), kHalf, t0);
  EXPECT_EQ(schedule.begin(t0 + milliseconds(700)), CheckId{0});
  schedule.finish(CheckId{0}, t0 + milliseconds(2'600));
  EXPECT_EQ(schedule.next(), t0 + milliseconds(3'500));
}

TEST_F(ScheduleTest, WhoHasWaitedLongestComesFirst) {
  schedule.add(CheckId{0}, milliseconds(1'000), kHalf + kHalf / 2, t0);
  schedule.add(CheckId{1}, milliseconds(1'000), kHalf / 2, t0);
  schedule.add(CheckId{2}, milliseconds(1'000), kHalf, t0);
  EXPECT_EQ(begin_all(t0 + milliseconds(900)), (std::vector{CheckId{1}, CheckId{2}, CheckId{0}}));
}

TEST_F(ScheduleTest, OneThatIsRemovedIsNotDueAnyMoreAndItsIdIsFree) {
  schedule.add(CheckId{0}, milliseconds(1'000), 0, t0);
  schedule.add(CheckId{1}, milliseconds(1'000), 0, t0);
  schedule.remove(CheckId{0});
  EXPECT_EQ(begin_all(t0), std::vector{CheckId{1}});
  schedule.remove(CheckId{1});  // while it is under way
  schedule.finish(CheckId{1}, t0);
  EXPECT_FALSE(schedule.next());
  schedule.add(CheckId{1}, milliseconds(500), kHalf, t0);
  EXPECT_EQ(schedule.next(), t0 + milliseconds(250));
}

TEST_F(ScheduleTest, AThousandAreSpreadOverTheInterval) {
  constexpr std::uint32_t kCount = 1'000;
  constexpr milliseconds kInterval{5'000};
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const auto address = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":80";
    schedule.add(CheckId{i}, kInterval, routing::stable_hash(address), t0);
  }
  // Of each tenth of the interval, in each round: a hundred, but for chance.
  for (int round = 0; round < 3; ++round) {
    for (int tenth = 0; tenth < 10; ++tenth) {
      const auto now = t0 + round * kInterval + (tenth + 1) * kInterval / 10 - milliseconds(1);
      const auto begun = begin_all(now);
      EXPECT_GT(begun.size(), 60U);
      EXPECT_LT(begun.size(), 140U);
      for (const auto id : begun) {
        schedule.finish(id, now);
      }
    }
  }
}

TEST_F(ScheduleTest, TheLastPlaceIsWithinTheInterval) {
  schedule.add(CheckId{0}, milliseconds(3'600'000), ~std::uint64_t{0}, t0);
  EXPECT_LT(*schedule.next(), t0 + milliseconds(3'600'000));
  EXPECT_GT(*schedule.next(), t0 + milliseconds(3'599'000));
}

}  // namespace
}  // namespace portico::checks
