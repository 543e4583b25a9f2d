#include "proxy/checks/schedule.h"

#include <algorithm>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

  Schedule schedule{1'000'000};
  const Schedule::Time t0 = Schedule::Clock::now();
};

TEST_F(ScheduleTest, NothingIsDueWhereNothingIs) {
  EXPECT_FALSE(schedule.begin(t0));
  EXPECT_FALSE(schedule.next());
}

TEST_F(ScheduleTest, TheFirstCheckIsDueWhereItsPlaceSays) {
  schedule.add(CheckId{0}, "a", milliseconds(1'000), kHalf, t0);
  EXPECT_EQ(schedule.next(), t0 + milliseconds(500));
  EXPECT_FALSE(schedule.begin(t0 + milliseconds(499)));
  EXPECT_EQ(schedule.begin(t0 + milliseconds(500)), CheckId{0});
}

TEST_F(ScheduleTest, ACheckIsNotDueAgainBeforeItHasFinished) {
  schedule.add(CheckId{0}, "a", milliseconds(1'000), 0, t0);
  EXPECT_EQ(schedule.begin(t0), CheckId{0});
  EXPECT_FALSE(schedule.begin(t0 + milliseconds(5'000)));
  EXPECT_FALSE(schedule.next());
  schedule.finish(CheckId{0}, t0 + milliseconds(300));
  EXPECT_EQ(schedule.next(), t0 + milliseconds(1'000));
}

TEST_F(ScheduleTest, OneThatWasLateKeepsItsPlace) {
  schedule.add(CheckId{0}, "a", milliseconds(1'000), kHalf, t0);
  EXPECT_EQ(schedule.begin(t0 + milliseconds(700)), CheckId{0});
  schedule.finish(CheckId{0}, t0 + milliseconds(2'600));
  EXPECT_EQ(schedule.next(), t0 + milliseconds(3'500));
}

TEST_F(ScheduleTest, WhoHasWaitedLongestComesFirst) {
  schedule.add(CheckId{0}, "a", milliseconds(1'000), kHalf + kHalf / 2, t0);
  schedule.add(CheckId{1}, "a", milliseconds(1'000), kHalf / 2, t0);
  schedule.add(CheckId{2}, "a", milliseconds(1'000), kHalf, t0);
  EXPECT_EQ(begin_all(t0 + milliseconds(900)), (std::vector{CheckId{1}, CheckId{2}, CheckId{0}}));
}

TEST_F(ScheduleTest, OneThatIsRemovedIsNotDueAnyMoreAndItsIdIsFree) {
  schedule.add(CheckId{0}, "a", milliseconds(1'000), 0, t0);
  schedule.add(CheckId{1}, "a", milliseconds(1'000), 0, t0);
  schedule.remove(CheckId{0});
  EXPECT_EQ(begin_all(t0), std::vector{CheckId{1}});
  schedule.remove(CheckId{1});  // while it is under way
  schedule.finish(CheckId{1}, t0);
  EXPECT_FALSE(schedule.next());
  schedule.add(CheckId{1}, "a", milliseconds(500), kHalf, t0);
  EXPECT_EQ(schedule.next(), t0 + milliseconds(250));
}

TEST_F(ScheduleTest, AThousandAreSpreadOverTheInterval) {
  constexpr std::uint32_t kCount = 1'000;
  constexpr milliseconds kInterval{5'000};
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const auto address = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":80";
    schedule.add(CheckId{i}, "a", kInterval, routing::stable_hash(address), t0);
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
  schedule.add(CheckId{0}, "a", milliseconds(3'600'000), ~std::uint64_t{0}, t0);
  EXPECT_LT(*schedule.next(), t0 + milliseconds(3'600'000));
  EXPECT_GT(*schedule.next(), t0 + milliseconds(3'599'000));
}

TEST_F(ScheduleTest, AGroupLeavesRoomForTheNext) {
  Schedule few(8);
  std::uint32_t id = 0;
  const auto begun = [&](std::string_view group) {
    for (int i = 0; i < 20; ++i) {
      few.add(CheckId{id++}, group, milliseconds(1'000), 0, t0);
    }
    const auto before = few.running();
    while (few.begin(t0)) {
    }
    return few.running() - before;
  };
  EXPECT_EQ(begun("a"), 4U);
  EXPECT_EQ(begun("b"), 2U);
  EXPECT_EQ(begun("c"), 1U);
  EXPECT_EQ(begun("d"), 1U);
  EXPECT_EQ(begun("e"), 0U);
  EXPECT_FALSE(few.next());               // all wait for room,
  few.finish(CheckId{0}, t0);             // one of a's
  EXPECT_EQ(few.begin(t0), CheckId{80});  // which is e's
  few.remove(CheckId{80});
  EXPECT_EQ(few.running(), 7U);
  EXPECT_EQ(few.begin(t0), CheckId{81});
}

// Groups of which each check hangs for ten seconds, and one whose checks take no time.
struct ScheduleOfTheHangingTest : ::testing::Test {
  static constexpr milliseconds kTick{100};
  static constexpr milliseconds kHangs{10'000};
  static constexpr milliseconds kInterval{5'000};
  static constexpr std::uint32_t kQuiet = 0;

  void hang(std::string_view group, std::uint32_t checks) {
    for (std::uint32_t i = 0; i < checks; ++i, ++last) {
      schedule.add(CheckId{last}, group, kInterval, routing::stable_hash(std::to_string(last)),
                   now);
    }
  }
  // How much later than an interval after the one before a quiet check began at worst, of ten
  // minutes; and how many of the others have had a turn.
  std::pair<milliseconds, std::size_t> run() {
    schedule.add(CheckId{kQuiet}, "quiet", kInterval, 0, now);
    std::set<CheckId> had_turn;
    std::deque<std::pair<Schedule::Time, CheckId>> running;
    auto began = now;
    milliseconds worst{0};
    for (const auto end = now + std::chrono::minutes(10); now < end; now += kTick) {
      for (; !running.empty() && running.front().first <= now; running.pop_front()) {
        schedule.finish(running.front().second, now);
      }
      while (const auto id = schedule.begin(now)) {
        if (*id != CheckId{kQuiet}) {
          running.emplace_back(now + kHangs, *id);
          had_turn.insert(*id);
          continue;
        }
        schedule.finish(*id, now);
        worst = std::max(worst, std::chrono::ceil<milliseconds>(now - began) - kInterval);
        began = now;
      }
    }
    worst = std::max(worst, std::chrono::ceil<milliseconds>(now - began) - kInterval);
    return {worst, had_turn.size()};
  }

  std::uint32_t last = kQuiet + 1;
  Schedule schedule{64};
  Schedule::Time now = Schedule::Clock::now();
};

TEST_F(ScheduleOfTheHangingTest, OneDoesNotDelayAnother) {
  hang("noisy", 1'500);
  const auto [late, had_turn] = run();
  EXPECT_EQ(late, milliseconds(0));
  EXPECT_EQ(had_turn, 1'500U);
}

TEST_F(ScheduleOfTheHangingTest, SeveralDoNotDelayAnother) {
  for (int i = 0; i < 20; ++i) {
    hang("noisy" + std::to_string(i), 50);
  }
  const auto [late, had_turn] = run();
  EXPECT_LE(late, kHangs);
  EXPECT_EQ(had_turn, 1'000U);
}

TEST_F(ScheduleOfTheHangingTest, MoreGroupsThanMayRunAtOnceTakeTurns) {
  for (int i = 0; i < 3 * 64; ++i) {
    hang("noisy" + std::to_string(i), 10);
  }
  const auto [late, had_turn] = run();
  EXPECT_LE(late, 4 * kHangs);
  EXPECT_EQ(had_turn, 1'920U);
}

}  // namespace
}  // namespace portico::checks
