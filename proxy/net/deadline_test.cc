#include "proxy/net/deadline.h"

#include <optional>

#include <gtest/gtest.h>

#include "proxy/net/loop.h"

namespace portico::net {
namespace {

using namespace std::chrono_literals;

class DeadlineWheelTest : public ::testing::Test {
 protected:
  // In steps of a tick, as the loop does.
  void pass(std::chrono::milliseconds time) {
    const auto end = now_ + time;
    while (now_ < end) {
      now_ = std::min<DeadlineWheel::Clock::time_point>(end, now_ + DeadlineWheel::kTick);
      wheel_.advance(now_);
    }
  }

  DeadlineWheel::Clock::time_point now_{1000s + 37ms};
  int wakes_ = 0;
  int fired_ = 0;
  DeadlineWheel wheel_{[this] { return now_; }, [this] { ++wakes_; }};
  Deadline deadline_{wheel_, [this] { ++fired_; }};
};

TEST_F(DeadlineWheelTest, FiresOnceNeverEarlyAndAtMostTwoTicksLate) {
  for (const auto after : {0ms, 1ms, 99ms, 100ms, 101ms, 5000ms, 60'000ms, 250'000ms}) {
    fired_ = 0;
    const auto armed_at = now_;
    deadline_.arm(after);
    while (fired_ == 0) {
      now_ += 10ms;
      wheel_.advance(now_);
      ASSERT_LE(now_ - armed_at, after + 2 * DeadlineWheel::kTick);
    }
    EXPECT_GE(now_ - armed_at, after);
    EXPECT_FALSE(deadline_.armed());
    pass(60s);
    EXPECT_EQ(fired_, 1);
  }
}

TEST_F(DeadlineWheelTest, CancelledDoesNotFire) {
  deadline_.arm(500ms);
  deadline_.cancel();
  pass(10s);
  EXPECT_EQ(fired_, 0);
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(DeadlineWheelTest, ReArmedForLaterFiresLater) {
  deadline_.arm(500ms);
  pass(400ms);
  deadline_.arm(500ms);
  pass(400ms);
  EXPECT_EQ(fired_, 0);
  pass(300ms);
  EXPECT_EQ(fired_, 1);
}

TEST_F(DeadlineWheelTest, ReArmedForEarlierFiresEarlier) {
  deadline_.arm(60s);
  deadline_.arm(100ms);
  pass(300ms);
  EXPECT_EQ(fired_, 1);
}

TEST_F(DeadlineWheelTest, ReArmedAfterCancellingFires) {
  deadline_.arm(500ms);
  deadline_.cancel();
  deadline_.arm(200ms);
  pass(400ms);
  EXPECT_EQ(fired_, 1);
}

TEST_F(DeadlineWheelTest, DestructionCancels) {
  std::optional<Deadline> other;
  other.emplace(wheel_, [this] { ++fired_; });
  other->arm(100ms);
  other.reset();
  pass(1s);
  EXPECT_EQ(fired_, 0);
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(DeadlineWheelTest, ACallbackMayDestroyItsOwnAndOthersOfTheSameSlot) {
  std::array<std::optional<Deadline>, 5> deadlines;
  const auto destroy_all = [&] {
    ++fired_;
    for (auto& deadline : deadlines) {
      deadline.reset();
    }
  };
  for (auto& deadline : deadlines) {
    deadline.emplace(wheel_, destroy_all);
    deadline->arm(300ms);
  }
  pass(1s);
  EXPECT_EQ(fired_, 1);
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(DeadlineWheelTest, ACallbackMayReArm) {
  std::optional<Deadline> other;
  other.emplace(wheel_, [&] {
    ++fired_;
    other->arm(0ms);
  });
  other->arm(0ms);
  pass(1s);
  EXPECT_GE(fired_, 5);
  EXPECT_LE(fired_, 10);
}

TEST_F(DeadlineWheelTest, WakesWhenItStopsBeingEmptyOnly) {
  Deadline other(wheel_, [] {});
  deadline_.arm(100ms);
  other.arm(100ms);
  deadline_.arm(300ms);
  EXPECT_EQ(wakes_, 1);
  pass(1s);
  deadline_.arm(100ms);
  EXPECT_EQ(wakes_, 2);
}

TEST_F(DeadlineWheelTest, ALongPauseFiresWhatWasDueInIt) {
  Deadline far(wheel_, [this] { fired_ += 10; });
  deadline_.arm(30s);
  far.arm(1000s);
  now_ += 500s;
  wheel_.advance(now_);
  EXPECT_EQ(fired_, 1);
  pass(501s);
  EXPECT_EQ(fired_, 11);
}

TEST(Deadline, FiresOnItsLoop) {
  Loop loop;
  bool fired = false;
  Deadline deadline(loop, [&fired] { fired = true; });
  const auto begin = Loop::Clock::now();
  deadline.arm(20ms);
  EXPECT_TRUE(loop.run_until([&fired] { return fired; }, 60s));
  EXPECT_GE(Loop::Clock::now() - begin, 15ms);  // the loop's clock is some milliseconds coarse
}

}  // namespace
}  // namespace portico::net
