#include "controller/status/election.h"

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace portico::status {
namespace {

using namespace std::chrono_literals;
using Time = Election::Time;

constexpr ElectionTimes kTimes{.ttl = 10s};

// The one Lease, as an API server keeps it. Its object is its version.
class LeaseServer {
 public:
  [[nodiscard]] const std::optional<Lease>& get() const { return lease_; }

  // Nothing: a conflict.
  std::optional<Lease> write(const Election::Write& write) {
    const bool is_current = write.before.has_value() == lease_.has_value() &&
                            (!lease_ || write.before->object == lease_->object);
    if (!is_current) {
      return std::nullopt;
    }
    lease_ = Lease{.record = write.record, .object = std::to_string(++version_)};
    return lease_;
  }

 private:
  std::optional<Lease> lease_;
  int version_ = 0;
};

// A replica on a machine whose clock runs by itself.
struct Replica {
  explicit Replica(const std::string& name, std::uint32_t seed) : election(name, kTimes, seed) {}

  // One step at `now`, answered at once; when it wants the next.
  Time step(LeaseServer& server, Time now, bool connected = true) {
    const auto wall = fmt::format("{}", now.time_since_epoch().count());
    auto step = election.next(now, wall);
    if (const auto* wait = std::get_if<Election::Wait>(&step)) {
      return wait->until;
    }
    if (std::holds_alternative<Election::Ended>(step)) {
      return Time::max();
    }
    if (!connected) {
      election.failed(now);
    } else if (std::holds_alternative<Election::Look>(step)) {
      election.looked(now, server.get());
    } else if (auto lease = server.write(std::get<Election::Write>(step))) {
      election.wrote(now, std::move(*lease));
    } else {
      election.conflicted(now);
    }
    return now;
  }

  // All that is to be done at `now`.
  Time settle(LeaseServer& server, Time now, bool connected = true) {
    for (int steps = 0; steps < 10; ++steps) {
      if (const auto next = this->step(server, now, connected); next > now) {
        return next;
      }
    }
    return now;
  }

  Election election;
};

class ElectionTest : public ::testing::Test {
 protected:
  // Lets both act whenever they want to, for a while.
  void run(Time until, bool a_lives, bool b_lives) {
    for (; now < until; now += 100ms) {
      if (a_lives) {
        a.settle(server, now, a_connected);
      }
      if (b_lives) {
        b.settle(server, now, b_connected);
      }
      EXPECT_FALSE(a_lives && b_lives && a.election.leads(now) && b.election.leads(now));
      if (!b_led_since && b.election.leads(now)) {
        b_led_since = now;
      }
    }
  }

  LeaseServer server;
  Time now = Time{} + 1000h;
  Replica a{"a", 1};
  Replica b{"b", 2};
  bool a_connected = true;
  bool b_connected = true;
  std::optional<Time> b_led_since;
};

TEST_F(ElectionTest, TheFirstCreatesTheLeaseAndLeads) {
  a.settle(server, now);
  EXPECT_TRUE(a.election.leads(now));
  EXPECT_EQ(server.get()->record.holder, "a");
  EXPECT_EQ(server.get()->record.duration_seconds, 10);
  EXPECT_EQ(server.get()->record.transitions, 0);
}

TEST_F(ElectionTest, TheSecondWaitsWhileTheFirstRenews) {
  a.settle(server, now);
  const auto acquired = server.get()->record.acquire_time;
  run(now + 5min, true, true);
  EXPECT_TRUE(a.election.leads(now));
  EXPECT_FALSE(b_led_since);
  EXPECT_EQ(server.get()->record.acquire_time, acquired);
  EXPECT_EQ(server.get()->record.transitions, 0);
}

TEST_F(ElectionTest, ReplacesAKilledLeaderWithinFifteenSeconds) {
  a.settle(server, now);
  run(now + 1min, true, true);
  const auto killed = now;
  run(now + 1min, false, true);
  ASSERT_TRUE(b_led_since);
  EXPECT_LE(*b_led_since - killed, 13s);
  EXPECT_GE(*b_led_since - killed, 7s);
  EXPECT_EQ(server.get()->record.transitions, 1);
}

TEST_F(ElectionTest, TakesOverAtOnceWhereTheLeaderReleased) {
  a.settle(server, now);
  run(now + 1min, true, true);
  a.election.retire();
  const auto released = now;
  run(now + 1min, true, true);
  EXPECT_FALSE(a.election.leads(now));
  ASSERT_TRUE(b_led_since);
  EXPECT_LE(*b_led_since - released, 2500ms);
}

TEST_F(ElectionTest, ReleasesAsClientGoDoes) {
  a.settle(server, now);
  a.election.retire();
  EXPECT_EQ(a.settle(server, now), Time::max());
  const auto& record = server.get()->record;
  EXPECT_EQ(record.holder, "");
  EXPECT_EQ(record.duration_seconds, 1);
  EXPECT_FALSE(record.renew_time.empty());
}

TEST_F(ElectionTest, ReleasesNothingThatItDoesNotHold) {
  a.settle(server, now);
  b.settle(server, now);
  b.election.retire();
  EXPECT_EQ(b.settle(server, now), Time::max());
  EXPECT_EQ(server.get()->record.holder, "a");
}

TEST_F(ElectionTest, StopsLeadingBeforeAnotherMayBeginWhereItIsCutOff) {
  a.settle(server, now);
  run(now + 1min, true, true);
  a_connected = false;
  const auto cut = now;
  run(now + 8s, true, true);
  EXPECT_FALSE(a.election.leads(now));
  EXPECT_FALSE(b.election.leads(now));
  run(cut + 1min, true, true);
  ASSERT_TRUE(b_led_since);
  EXPECT_LE(*b_led_since - cut, 13s);
}

TEST_F(ElectionTest, LeadsOnAfterAShortOutage) {
  a.settle(server, now);
  run(now + 1min, true, true);
  a_connected = b_connected = false;
  run(now + 4s, true, true);
  a_connected = b_connected = true;
  run(now + 1min, true, true);
  EXPECT_TRUE(a.election.leads(now));
  EXPECT_FALSE(b_led_since);
}

TEST_F(ElectionTest, TimesOfOtherMachinesMeanNothing) {
  // A holder whose clock is far ahead, and which renewed only once.
  static_cast<void>(server.write({.record = {.holder = "gone",
                                             .duration_seconds = 10,
                                             .renew_time = "2999-01-01T00:00:00.000000Z"}}));
  const auto seen = now;
  run(now + 1min, false, true);
  ASSERT_TRUE(b_led_since);
  EXPECT_GE(*b_led_since - seen, 10s);
  EXPECT_LE(*b_led_since - seen, 11s);
}

TEST_F(ElectionTest, WaitsAsLongAsTheHolderSays) {
  static_cast<void>(server.write({.record = {.holder = "slow", .duration_seconds = 40}}));
  const auto seen = now;
  run(now + 2min, false, true);
  ASSERT_TRUE(b_led_since);
  EXPECT_GE(*b_led_since - seen, 40s);
}

TEST_F(ElectionTest, GoesOnWithWhatItHeldBeforeItWasRestarted) {
  a.settle(server, now);
  Replica again("a", 3);
  again.settle(server, now + 1s);
  EXPECT_TRUE(again.election.leads(now + 1s));
  EXPECT_EQ(server.get()->record.transitions, 0);
}

TEST_F(ElectionTest, FindsItsOwnWriteWhoseAnswerWasLost) {
  auto step = a.election.next(now, "t");
  a.election.looked(now, std::nullopt);
  step = a.election.next(now, "t");
  static_cast<void>(server.write(std::get<Election::Write>(step)));
  a.election.failed(now);
  EXPECT_FALSE(a.election.leads(now));
  a.settle(server, now + 3s);
  EXPECT_TRUE(a.election.leads(now + 3s));
}

TEST_F(ElectionTest, GivesWayAtOnceToWhoTookTheLease) {
  a.settle(server, now);
  static_cast<void>(server.write(
      {.before = server.get(), .record = {.holder = "thief", .duration_seconds = 10}}));
  a.settle(server, now + 2s);
  EXPECT_FALSE(a.election.leads(now + 2s));
}

TEST_F(ElectionTest, DoesNotSpinOnConflicts) {
  a.settle(server, now);
  int writes = 0;
  for (int turn = 0; turn < 100; ++turn) {
    const auto step = a.election.next(now + 2s, "t");
    if (std::holds_alternative<Election::Write>(step)) {
      ++writes;
      a.election.conflicted(now + 2s);
    } else if (std::holds_alternative<Election::Look>(step)) {
      a.election.looked(now + 2s, server.get());
    }
  }
  EXPECT_LE(writes, 3);
}

// Three replicas whose clocks run up to a fifth faster or slower than true time, whose questions
// get lost and whose answers get lost: never two leaders, and nearly always one.
TEST(ElectionSimulation, NeverHasTwoLeaders) {
  std::minstd_rand random(7);
  const auto chance = [&](double share) {
    return std::uniform_real_distribution<double>(0, 1)(random) < share;
  };
  LeaseServer server;
  struct Machine {
    Replica replica;
    double rate;
    Time due{};
    bool connected = true;
    [[nodiscard]] Time clock(std::chrono::milliseconds truth) const {
      return Time{} + 1000h + std::chrono::round<std::chrono::milliseconds>(truth * rate);
    }
  };
  std::vector<Machine> machines;
  machines.push_back({Replica("a", 1), 0.9});
  machines.push_back({Replica("b", 2), 1.0});
  machines.push_back({Replica("c", 3), 1.1});
  int led = 0;
  int turns = 0;
  for (auto truth = 0ms; truth < 2h; truth += 100ms) {
    int leaders = 0;
    for (auto& machine : machines) {
      machine.connected = chance(0.002) ? !machine.connected : machine.connected || chance(0.02);
      const auto clock = machine.clock(truth);
      if (clock >= machine.due) {
        machine.due = machine.replica.settle(server, clock, machine.connected && !chance(0.1));
      }
      leaders += machine.replica.election.leads(clock) ? 1 : 0;
    }
    ASSERT_LE(leaders, 1) << truth.count();
    led += leaders;
    ++turns;
  }
  EXPECT_GT(led, turns * 8 / 10);
}

}  // namespace
}  // namespace portico::status
