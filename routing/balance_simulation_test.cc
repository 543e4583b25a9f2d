// What strategies make of an endpoint that is ten times slower than its nine fellows: each serves
// one request after the other, and requests come by chance.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <queue>
#include <vector>

#include <gtest/gtest.h>

#include "routing/balance.h"
#include "routing/balance_spec.h"
#include "routing/endpoint_load.h"

namespace portico::routing {
namespace {

using Clock = EndpointLoad::Clock;
using std::chrono::microseconds;

constexpr std::size_t kEndpoints = 10;
constexpr std::size_t kSlowOne = 7;
constexpr microseconds kFast{10'000};
constexpr microseconds kSlow{100'000};

struct Outcome {
  double p99_seconds;
  double slow_share;
};

class Simulation {
 public:
  explicit Simulation(Strategy strategy) : strategy_(strategy), loads_(kEndpoints) {
    free_at_.resize(kEndpoints);
  }

  Outcome run(int requests, double per_second) {
    std::vector<double> latencies;
    int slow = 0;
    for (int i = 0; i < requests; ++i) {
      const double chance = static_cast<double>(lots_.next() >> 11) / 9007199254740992.0;
      now_ += microseconds(static_cast<std::int64_t>(-std::log(1 - chance) / per_second * 1e6));
      finish_what_is_due();
      const auto endpoint = pick();
      slow += endpoint == kSlowOne ? 1 : 0;
      const auto end = std::max(now_, free_at_[endpoint]) + (endpoint == kSlowOne ? kSlow : kFast);
      free_at_[endpoint] = end;
      open_.push({.end = end, .began = now_, .endpoint = endpoint});
      loads_[endpoint].began();
      latencies.push_back(std::chrono::duration<double>(end - now_).count());
    }
    const auto p99 = latencies.begin() + static_cast<std::ptrdiff_t>(latencies.size() * 99 / 100);
    std::ranges::nth_element(latencies, p99);
    return {.p99_seconds = *p99, .slow_share = static_cast<double>(slow) / requests};
  }

 private:
  struct Request {
    Clock::time_point end, began;
    std::size_t endpoint;
    bool operator>(const Request& other) const { return end > other.end; }
  };

  void finish_what_is_due() {
    for (; !open_.empty() && open_.top().end <= now_; open_.pop()) {
      const auto& request = open_.top();
      loads_[request.endpoint].answered(request.end - request.began, request.end);
      loads_[request.endpoint].ended();
    }
  }

  std::size_t pick() {
    const auto none = [](std::size_t) { return false; };
    if (strategy_ == Strategy::kRoundRobin) {
      return turns_.pick(
          kEndpoints, [](std::size_t i) { return static_cast<std::uint32_t>(i); }, none);
    }
    const auto [one, other] = pick_two(kEndpoints, lots_, none);
    const bool other_is_better = strategy_ == Strategy::kEwma
                                     ? is_faster(loads_[other], loads_[one], now_)
                                     : has_fewer_open(loads_[other], loads_[one]);
    return other_is_better ? other : one;
  }

  Strategy strategy_;
  Lots lots_{1};
  RoundRobin turns_;
  std::vector<EndpointLoad> loads_;
  std::vector<Clock::time_point> free_at_;
  std::priority_queue<Request, std::vector<Request>, std::greater<>> open_;
  Clock::time_point now_{std::chrono::hours(1)};
};

// By turns the slow one would get a fifth more than it can bear; the others are busy for an eighth
// of the time.
constexpr double kPerSecond = 120;

TEST(BalanceSimulation, LeastRequestsHalvesTheSlowestHundredthOfRoundRobin) {
  const auto turns = Simulation(Strategy::kRoundRobin).run(50'000, kPerSecond);
  const auto least = Simulation(Strategy::kLeastRequests).run(50'000, kPerSecond);
  EXPECT_NEAR(turns.slow_share, 0.1, 1e-6);
  EXPECT_LE(least.p99_seconds, turns.p99_seconds / 2);
}

TEST(BalanceSimulation, EwmaNearlyLeavesTheSlowOne) {
  const auto turns = Simulation(Strategy::kRoundRobin).run(50'000, kPerSecond);
  const auto ewma = Simulation(Strategy::kEwma).run(50'000, kPerSecond);
  EXPECT_LE(ewma.slow_share, 0.01);
  EXPECT_LE(ewma.p99_seconds, turns.p99_seconds / 2);
}

}  // namespace
}  // namespace portico::routing
