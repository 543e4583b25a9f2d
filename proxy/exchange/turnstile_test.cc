#include "proxy/exchange/turnstile.h"

#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace portico::exchange {
namespace {

// Writes down whose turn comes.
class Named final : public Turnstile::Waiter {
 public:
  Named(char name, std::string& log) : name_(name), log_(log) {}
  void on_turn() override { log_ += name_; }

 private:
  char name_;
  std::string& log_;
};

void run_posted(net::Loop& loop) {
  bool ran = false;
  loop.post([&ran] { ran = true; });
  ASSERT_TRUE(loop.run_until([&ran] { return ran; }, std::chrono::seconds(60)));
}

struct Gate {
  Gate() { turnstile.set_limit(1); }
  net::Loop loop;
  Turnstile turnstile;
  std::string log;
  Named a{'a', log}, b{'b', log}, c{'c', log};
};

TEST(Turnstile, LetsInAsManyAsItsLimit) {
  Turnstile turnstile;
  turnstile.set_limit(2);
  EXPECT_TRUE(turnstile.enter());
  EXPECT_TRUE(turnstile.enter());
  EXPECT_FALSE(turnstile.enter());
  turnstile.leave();
  EXPECT_TRUE(turnstile.enter());
}

TEST(Turnstile, WhoWaitsIsLetInInTheOrderOfComing) {
  Gate gate;
  ASSERT_TRUE(gate.turnstile.enter());
  const auto a = gate.turnstile.wait(gate.loop, gate.a, 9);
  const auto b = gate.turnstile.wait(gate.loop, gate.b, 9);
  const auto c = gate.turnstile.wait(gate.loop, gate.c, 9);
  EXPECT_EQ(gate.turnstile.waiting(), 3U);
  for (const auto* seen : {"a", "ab", "abc"}) {
    gate.turnstile.leave();
    run_posted(gate.loop);
    EXPECT_EQ(gate.log, seen);
    EXPECT_EQ(gate.turnstile.inside(), 1U);
  }
}

TEST(Turnstile, APlaceThatGotFreeBeforeTheLineWasJoinedIsNotMissed) {
  Gate gate;
  ASSERT_TRUE(gate.turnstile.enter());
  ASSERT_FALSE(gate.turnstile.enter());
  gate.turnstile.leave();
  const auto a = gate.turnstile.wait(gate.loop, gate.a, 9);
  EXPECT_EQ(gate.log, "") << "never from inside";
  run_posted(gate.loop);
  EXPECT_EQ(gate.log, "a");
}

TEST(Turnstile, NobodyPassesTheLineBy) {
  Gate gate;
  gate.turnstile.set_limit(2);
  ASSERT_TRUE(gate.turnstile.enter());
  ASSERT_TRUE(gate.turnstile.enter());
  const auto a = gate.turnstile.wait(gate.loop, gate.a, 9);
  const auto b = gate.turnstile.wait(gate.loop, gate.b, 9);
  gate.turnstile.leave();  // a's
  EXPECT_FALSE(gate.turnstile.enter());
}

TEST(Turnstile, ALineThatIsFullTakesNobody) {
  Gate gate;
  ASSERT_TRUE(gate.turnstile.enter());
  EXPECT_FALSE(gate.turnstile.wait(gate.loop, gate.a, 0));
  const auto a = gate.turnstile.wait(gate.loop, gate.a, 1);
  EXPECT_TRUE(a);
  EXPECT_FALSE(gate.turnstile.wait(gate.loop, gate.b, 1));
}

TEST(Turnstile, WhoGivesUpIsNotCalledAndLeavesNoGap) {
  Gate gate;
  ASSERT_TRUE(gate.turnstile.enter());
  auto a = gate.turnstile.wait(gate.loop, gate.a, 9);
  const auto b = gate.turnstile.wait(gate.loop, gate.b, 9);
  a = {};
  gate.turnstile.leave();
  run_posted(gate.loop);
  EXPECT_EQ(gate.log, "b");
  EXPECT_EQ(gate.turnstile.waiting(), 0U);
}

TEST(Turnstile, WhoGivesUpOnceItWasLetInHandsThePlaceOn) {
  Gate gate;
  ASSERT_TRUE(gate.turnstile.enter());
  auto a = gate.turnstile.wait(gate.loop, gate.a, 9);
  const auto b = gate.turnstile.wait(gate.loop, gate.b, 9);
  gate.turnstile.leave();  // a is in, and does not know yet
  a = {};
  run_posted(gate.loop);
  EXPECT_EQ(gate.log, "b");
  EXPECT_EQ(gate.turnstile.inside(), 1U);
}

TEST(Turnstile, APlaceIsKeptByWhoWasTold) {
  Gate gate;
  ASSERT_TRUE(gate.turnstile.enter());
  std::optional<Turnstile::Turn> a(gate.turnstile.wait(gate.loop, gate.a, 9));
  gate.turnstile.leave();
  run_posted(gate.loop);
  a.reset();
  EXPECT_EQ(gate.turnstile.inside(), 1U);
}

TEST(Turnstile, MoreRoomIsGivenToTheLineAtOnce) {
  Gate gate;
  ASSERT_TRUE(gate.turnstile.enter());
  const auto a = gate.turnstile.wait(gate.loop, gate.a, 9);
  const auto b = gate.turnstile.wait(gate.loop, gate.b, 9);
  gate.turnstile.set_limit(3);
  run_posted(gate.loop);
  EXPECT_EQ(gate.log, "ab");
}

TEST(Turnstile, LessRoomLetsNobodyInUntilEnoughHaveLeft) {
  Gate gate;
  gate.turnstile.set_limit(3);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(gate.turnstile.enter());
  }
  const auto a = gate.turnstile.wait(gate.loop, gate.a, 9);
  gate.turnstile.set_limit(1);
  gate.turnstile.leave();
  gate.turnstile.leave();
  run_posted(gate.loop);
  EXPECT_EQ(gate.log, "");
  gate.turnstile.leave();
  run_posted(gate.loop);
  EXPECT_EQ(gate.log, "a");
}

// ---- threads

// A worker of the contest below: its visitors come, wait, give up by lot, stay a turn and leave.
class Crowd {
 public:
  Crowd(Turnstile& turnstile, std::atomic<std::uint32_t>& inside, std::atomic<std::uint32_t>& most,
        std::uint32_t seed)
      : turnstile_(turnstile), inside_(inside), most_(most), lots_(seed) {
    for (auto& visitor : visitors_) {
      visitor.crowd = this;
    }
  }
  // Until so many visits were made.
  void run(int visits) {
    left_ = visits;
    for (auto& visitor : visitors_) {
      come(visitor);
    }
    done_in_time =
        loop_.run_until([this] { return left_ <= 0 && busy_ == 0; }, std::chrono::seconds(120));
  }

  bool done_in_time = false;

 private:
  struct Visitor final : Turnstile::Waiter {
    void on_turn() override {
      turn = {};
      crowd->stay(*this);
    }
    Crowd* crowd = nullptr;
    Turnstile::Turn turn;
  };

  void come(Visitor& visitor) {
    if (left_-- <= 0) {
      return;
    }
    ++busy_;
    if (turnstile_.enter()) {
      stay(visitor);
      return;
    }
    visitor.turn = turnstile_.wait(loop_, visitor, 1000);
    ASSERT_TRUE(visitor.turn);
    if (lots_() % 4 == 0) {
      loop_.post([this, &visitor] { give_up(visitor); });
    }
  }
  void give_up(Visitor& visitor) {
    if (visitor.turn) {
      visitor.turn = {};
      gone(visitor);
    }
  }
  void stay(Visitor& visitor) {
    const auto now = inside_.fetch_add(1) + 1;
    auto most = most_.load();
    while (most < now && !most_.compare_exchange_weak(most, now)) {
    }
    loop_.post([this, &visitor] {
      inside_.fetch_sub(1);
      turnstile_.leave();
      gone(visitor);
    });
  }
  void gone(Visitor& visitor) {
    --busy_;
    loop_.post([this, &visitor] { come(visitor); });
  }

  Turnstile& turnstile_;
  std::atomic<std::uint32_t>& inside_;
  std::atomic<std::uint32_t>& most_;
  net::Loop loop_;
  std::minstd_rand lots_;
  Visitor visitors_[8];
  int left_ = 0;
  int busy_ = 0;
};

TEST(Turnstile, ThreadsNeverExceedTheLimitAndNobodyIsForgotten) {
  Turnstile turnstile;
  turnstile.set_limit(3);
  std::atomic<std::uint32_t> inside = 0;
  std::atomic<std::uint32_t> most = 0;
  std::vector<std::unique_ptr<Crowd>> crowds;
  for (std::uint32_t i = 0; i < 4; ++i) {
    crowds.push_back(std::make_unique<Crowd>(turnstile, inside, most, i + 1));
  }
  std::vector<std::thread> threads;
  for (auto& crowd : crowds) {
    threads.emplace_back([&crowd] { crowd->run(5'000); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  for (const auto& crowd : crowds) {
    EXPECT_TRUE(crowd->done_in_time) << "somebody still waits";
  }
  EXPECT_LE(most.load(), 3U);
  EXPECT_EQ(turnstile.inside(), 0U);
  EXPECT_EQ(turnstile.waiting(), 0U);
}

}  // namespace
}  // namespace portico::exchange
