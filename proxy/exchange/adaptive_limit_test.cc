#include "proxy/exchange/adaptive_limit.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/exchange/circuit.h"

namespace portico::exchange {
namespace {

using namespace std::chrono_literals;
using routing::GradientLimit;

// Of requests that are all under way at once.
struct AdaptiveLimitTest : ::testing::Test {
  AdaptiveLimitTest() { limit.turn_on(1000); }
  void fill() {
    while (requests.enter()) {
    }
  }
  // A window of as many answers as are wanted.
  void answer(AdaptiveLimit::Clock::duration took) {
    for (int i = 0; i < 50; ++i) {
      now += 10ms;
      limit.answered(took, now);
    }
  }
  Turnstile requests;
  AdaptiveLimit limit{requests};
  AdaptiveLimit::Clock::time_point now = AdaptiveLimit::Clock::now();
};

TEST_F(AdaptiveLimitTest, LetsInWhatTheGradientSays) {
  EXPECT_EQ(requests.limit(), GradientLimit::kFirst);
  answer(20ms);
  fill();
  answer(20ms);
  fill();
  answer(20ms);
  EXPECT_GT(requests.limit(), GradientLimit::kFirst);
  const auto before = requests.limit();
  answer(100ms);
  EXPECT_LT(requests.limit(), before);
}

TEST_F(AdaptiveLimitTest, KeepsWhatItHasFoundOutAsLongAsItsMostIsTheSame) {
  answer(20ms);
  fill();
  answer(20ms);
  const auto before = requests.limit();
  ASSERT_NE(before, GradientLimit::kFirst);
  limit.turn_on(1000);
  EXPECT_EQ(requests.limit(), before);
  limit.turn_on(10);
  EXPECT_EQ(requests.limit(), 10U);
}

TEST_F(AdaptiveLimitTest, LetsInNoMoreThanItsMostThoughThatIsVeryFew) {
  limit.turn_on(1);
  EXPECT_EQ(requests.limit(), 1U);
  for (int i = 0; i < 5; ++i) {
    fill();
    answer(20ms);
    EXPECT_EQ(requests.limit(), 1U);
  }
}

TEST_F(AdaptiveLimitTest, LeavesTheLimitAloneOnceItIsOff) {
  limit.turn_off();
  requests.set_limit(7);
  fill();
  answer(20ms);
  answer(1s);
  EXPECT_EQ(requests.limit(), 7U);
}

TEST_F(AdaptiveLimitTest, TakesTheGeometricMean) {
  answer(20ms);
  fill();
  for (int i = 0; i < 25; ++i) {  // one far out of fifty changes little
    now += 20ms;
    limit.answered(i == 0 ? 2s : 20ms, now);
    limit.answered(20ms, now);
  }
  EXPECT_GT(requests.limit(), GradientLimit::kFirst);
}

TEST_F(AdaptiveLimitTest, IsToldByAllWorkersAtOnce) {
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([this, worker] {
      for (int i = 0; i < 20'000; ++i) {
        if (requests.enter()) {
          limit.answered(std::chrono::milliseconds(1 + i % 50), now + std::chrono::milliseconds(i));
          requests.leave();
        }
        if (worker == 0 && i % 1000 == 0) {
          limit.turn_off();
          limit.turn_on(100 + static_cast<std::uint32_t>(i));
        }
      }
    });
  }
  for (auto& worker : workers) {
    worker.join();
  }
  EXPECT_EQ(requests.inside(), 0U);
  EXPECT_GE(requests.limit(), GradientLimit::kLeast);
}

TEST(AdaptiveCircuit, TellsItsLimitFromTheOneThatIsGiven) {
  Circuit circuit;
  circuit.set({.adaptive = true});
  EXPECT_EQ(circuit.requests.limit(), GradientLimit::kFirst);
  EXPECT_EQ(circuit.refusal(), CircuitRefusal::kAdaptiveLimit);
  circuit.set({.requests = 5, .adaptive = true});
  EXPECT_EQ(circuit.requests.limit(), 5U);
  EXPECT_EQ(circuit.refusal(), CircuitRefusal::kMaxRequests);
  circuit.set({.requests = 2, .adaptive = true});
  EXPECT_EQ(circuit.requests.limit(), 2U);
  EXPECT_EQ(circuit.refusal(), CircuitRefusal::kMaxRequests);
  circuit.set({.requests = 7});
  EXPECT_EQ(circuit.requests.limit(), 7U);
  EXPECT_EQ(circuit.refusal(), CircuitRefusal::kMaxRequests);
}

}  // namespace
}  // namespace portico::exchange
