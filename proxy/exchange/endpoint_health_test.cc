#include "proxy/exchange/endpoint_health.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace portico::exchange {
namespace {

using Entry = EndpointHealth::Entry;
using enum routing::TryOutcome;
using std::chrono::milliseconds;

struct EndpointHealthTest : ::testing::Test {
  bool report(routing::TryOutcome outcome, bool let_through = false) {
    return health.report(outcome, let_through, {}, now);
  }
  void eject() {
    for (int i = 0; i < 5; ++i) {
      report(kFailed);
    }
  }

  EndpointHealthTable table;
  EndpointHealth& health = *table.take(EndpointId{3});
  EndpointHealth::Clock::time_point now = EndpointHealth::Clock::now();
};

TEST_F(EndpointHealthTest, ServesUntilFailuresEjectIt) {
  EXPECT_EQ(health.enter(now), Entry::kFree);
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(report(kFailed));
    EXPECT_FALSE(health.is_shut(now));
    EXPECT_EQ(health.enter(now), Entry::kFree);
  }
  EXPECT_EQ(table.changes(), 0U);
  EXPECT_TRUE(report(kFailed));
  EXPECT_TRUE(health.is_shut(now));
  EXPECT_EQ(health.enter(now), Entry::kShut);
  EXPECT_EQ(table.changes(), 1U);
}

TEST_F(EndpointHealthTest, TellsSinceWhenItServesAgain) {
  EXPECT_EQ(health.serves_since(), EndpointHealth::Clock::time_point());
  eject();
  EXPECT_EQ(health.serves_since(), EndpointHealth::Clock::time_point());
  now += milliseconds(1'000);
  EXPECT_EQ(health.enter(now), Entry::kClaimed);
  report(kAnswered, true);
  EXPECT_LE(now - health.serves_since(), milliseconds(1));
  now += milliseconds(5'000);
  report(kAnswered);
  EXPECT_GE(now - health.serves_since(), milliseconds(5'000));
  table.take(EndpointId{3});
  EXPECT_EQ(health.serves_since(), EndpointHealth::Clock::time_point());
}

TEST_F(EndpointHealthTest, TellsSinceWhenItIsWellAgain) {
  health.set_ill(false);
  health.set_ill(true);
  EXPECT_EQ(health.serves_since(), EndpointHealth::Clock::time_point());
  health.set_ill(false);
  EXPECT_LE(now - health.serves_since(), milliseconds(1));
}

TEST_F(EndpointHealthTest, OneRequestFindsOutWhetherItIsBack) {
  eject();
  now += milliseconds(1'001);
  EXPECT_FALSE(health.is_shut(now));
  EXPECT_EQ(health.enter(now), Entry::kClaimed);
  EXPECT_TRUE(health.is_shut(now));
  EXPECT_EQ(health.enter(now), Entry::kShut);
  EXPECT_FALSE(report(kAnswered, true));
  EXPECT_EQ(health.enter(now), Entry::kFree);
  EXPECT_EQ(table.changes(), 2U);
}

TEST_F(EndpointHealthTest, IsPutOutOnceThoughItsTriesAreAnswered) {
  EXPECT_TRUE(health.put_out(now));
  EXPECT_TRUE(health.is_shut(now));
  EXPECT_FALSE(health.put_out(now));
  EXPECT_EQ(table.changes(), 1U);
  now += milliseconds(1'001);
  EXPECT_EQ(health.enter(now), Entry::kClaimed);
  EXPECT_FALSE(health.put_out(now));
  report(kAnswered, true);
  EXPECT_FALSE(health.is_shut(now));
}

TEST_F(EndpointHealthTest, AProbeThatIsGivenUpLeavesItToAnotherAsLate) {
  eject();
  now += milliseconds(1'001);
  const auto level = health.state().level;
  EXPECT_EQ(health.enter(now), Entry::kClaimed);
  health.give_up();
  EXPECT_EQ(health.state().level, level);
  EXPECT_EQ(health.enter(now), Entry::kShut);
  now += milliseconds(2'001);
  EXPECT_EQ(health.enter(now), Entry::kClaimed);
}

TEST_F(EndpointHealthTest, AFailedProbeEjectsAgain) {
  eject();
  now += milliseconds(1'001);
  EXPECT_EQ(health.enter(now), Entry::kClaimed);
  EXPECT_TRUE(report(kFailed, true));
  now += milliseconds(1'001);
  EXPECT_TRUE(health.is_shut(now));
}

TEST_F(EndpointHealthTest, SuccessesEndTheCount) {
  for (int i = 0; i < 4; ++i) {
    report(kFailed);
  }
  EXPECT_TRUE(health.has_counted());
  report(kAnswered);
  EXPECT_FALSE(health.has_counted());
}

TEST_F(EndpointHealthTest, ABlockStaysWhereItIsAndIsNewWhenItIsTakenAgain) {
  eject();
  for (std::uint32_t id = 0; id < 10'000; ++id) {
    if (id != 3) {
      table.take(EndpointId{id});
    }
  }
  EXPECT_TRUE(health.is_shut(now));
  EXPECT_EQ(table.take(EndpointId{3}), &health);
  EXPECT_EQ(health.state(), routing::OutlierState());
}

TEST_F(EndpointHealthTest, OfManyThreadsOneEjectsAndOneProbes) {
  std::atomic<int> ejections = 0;
  std::atomic<int> claims = 0;
  const auto later = now + milliseconds(1'001);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 1000; ++k) {
        ejections += report(kFailed) ? 1 : 0;
      }
      claims += health.enter(later) == Entry::kClaimed ? 1 : 0;
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(ejections, 1);
  EXPECT_EQ(claims, 1);
}

}  // namespace
}  // namespace portico::exchange
