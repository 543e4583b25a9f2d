// What active checks found, beside what requests did: EndpointHealth and HealthGate.
#include <gtest/gtest.h>

#include "proxy/exchange/endpoint_health.h"
#include "proxy/exchange/health_gate.h"

namespace portico::exchange {
namespace {

using Entry = EndpointHealth::Entry;

struct EndpointIllness : ::testing::Test {
  void begin_try(const routing::Policy& policy, std::size_t endpoints) {
    gate.begin();
    gate.begin_try(policy, endpoints, now);
  }
  void eject() { health.report(routing::TryOutcome::kUnreachable, false, {.unreachable = 1}, now); }

  net::Loop loop;
  HealthGate gate{loop};
  EndpointHealthTable table;
  EndpointHealth& health = *table.take(EndpointId{3});
  const Endpoint endpoint{.id = EndpointId{3}, .health = &health};
  const EndpointHealth::Clock::time_point now = EndpointHealth::Clock::now();
  const EndpointHealth::Clock::time_point much_later = now + std::chrono::hours(1);
};

TEST_F(EndpointIllness, IsOutUntilItIsWellWhateverTimePasses) {
  health.set_ill(true);
  for (const auto time : {now, much_later}) {
    EXPECT_TRUE(health.is_shut(time));
    EXPECT_EQ(health.enter(time), Entry::kShut);
  }
  health.set_ill(false);
  EXPECT_FALSE(health.is_shut(now));
  EXPECT_EQ(health.enter(now), Entry::kFree);
}

TEST_F(EndpointIllness, IsAChangeOnceEachWay) {
  health.set_ill(true);
  health.set_ill(true);
  EXPECT_EQ(table.changes(), 1U);
  health.set_ill(false);
  health.set_ill(false);
  EXPECT_EQ(table.changes(), 2U);
}

TEST_F(EndpointIllness, EndsWithItsEndpoint) {
  health.set_ill(true);
  EXPECT_FALSE(table.take(EndpointId{3})->is_ill());
}

TEST_F(EndpointIllness, OutlastsAnEjection) {
  eject();
  health.set_ill(true);
  EXPECT_TRUE(health.is_shut(much_later));
  health.report(routing::TryOutcome::kAnswered, true, {}, much_later);
  EXPECT_TRUE(health.is_shut(much_later));
}

TEST_F(EndpointIllness, APassedCheckEndsAnEjectionButNotWhatLedToIt) {
  eject();
  ASSERT_TRUE(health.is_shut(now));
  health.check_passed(now);
  EXPECT_FALSE(health.is_shut(now));
  EXPECT_EQ(table.changes(), 2U);
  eject();
  EXPECT_TRUE(health.is_shut(now + std::chrono::milliseconds(1'500)));  // for two seconds now
}

TEST_F(EndpointIllness, APassedCheckLeavesCountsOfFailuresAlone) {
  health.report(routing::TryOutcome::kFailed, false, {}, now);
  const auto before = health.state();
  health.check_passed(now);
  EXPECT_EQ(health.state(), before);
}

TEST_F(EndpointIllness, IsHeededWhereOutliersAreNotEjected) {
  routing::Policy policy;
  policy.outlier_ejection = false;
  begin_try(policy, 2);
  EXPECT_FALSE(gate.is_shut(endpoint));
  health.set_ill(true);
  EXPECT_TRUE(gate.is_shut(endpoint));
  EXPECT_FALSE(gate.enter(endpoint));
  health.set_ill(false);
  eject();
  EXPECT_FALSE(gate.is_shut(endpoint));
  EXPECT_TRUE(gate.enter(endpoint));
}

TEST_F(EndpointIllness, IsHeededWhereOutliersAreEjected) {
  begin_try({}, 2);
  health.set_ill(true);
  EXPECT_TRUE(gate.is_shut(endpoint));
  EXPECT_FALSE(gate.enter(endpoint));
  EXPECT_FALSE(gate.is_probe());
}

TEST_F(EndpointIllness, IsNotHeededWhereThereIsNoOther) {
  health.set_ill(true);
  begin_try({}, 1);
  EXPECT_FALSE(gate.is_shut(endpoint));
  EXPECT_TRUE(gate.enter(endpoint));
}

}  // namespace
}  // namespace portico::exchange
