// What the limit makes of a server that does so many things at once and keeps the rest waiting.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <functional>
#include <queue>
#include <vector>

#include <gtest/gtest.h>

#include "routing/balance.h"
#include "routing/gradient_limit.h"

namespace portico::routing {
namespace {

using Clock = GradientLimit::Clock;
using Seconds = std::chrono::duration<double>;

// Requests come by chance, whatever becomes of those before; who is above the limit is refused.
struct Server {
  double slots = 10;         // things done at once
  double service = 0.02;     // seconds; each takes that long, or by chance around it:
  double noise = 0;          // the standard deviation of its logarithm
  double per_second = 1000;  // that come

  [[nodiscard]] double capacity() const { return slots / (service * std::exp(noise * noise / 2)); }
};

class Simulation {
 public:
  explicit Simulation(bool limited) : limited_(limited) {}

  struct Outcome {
    double p99 = 0, p50 = 0;  // seconds, of what was served
    double served = 0;        // a second
    double refused = 0;       // of all
    double usual_limit = 0;   // the median
  };

  // For so long; what is under way stays.
  Outcome run(const Server& server, double seconds) {
    server_ = server;
    Outcome outcome;
    latencies_.clear();
    limits_.clear();
    double refused = 0, asked = 0;
    const double end = now_ + seconds;
    if (next_ < now_) {
      next_ = now_ + wait();
    }
    while (std::min(next_, busy_.empty() ? end : busy_.top().end) < end) {
      if (!busy_.empty() && busy_.top().end <= next_) {
        finish();
      } else {
        now_ = next_;
        next_ += wait();
        ++asked;
        refused += begin() ? 0 : 1;
      }
      limits_.push_back(limit_.limit());
    }
    now_ = end;
    outcome.served = static_cast<double>(latencies_.size()) / seconds;
    outcome.refused = refused / asked;
    outcome.p99 = quantile(latencies_, 0.99);
    outcome.p50 = quantile(latencies_, 0.5);
    outcome.usual_limit = quantile(limits_, 0.5);
    return outcome;
  }

 private:
  struct Request {
    double end, came;
    bool operator>(const Request& other) const { return end > other.end; }
  };

  double chance() { return (static_cast<double>(lots_.next() >> 11) + 0.5) / 9007199254740992.0; }
  double wait() { return -std::log(chance()) / server_.per_second; }
  double service() {
    const double normal = std::sqrt(-2 * std::log(chance())) * std::cos(2 * M_PI * chance());
    return server_.service * std::exp(server_.noise * normal);
  }

  bool begin() {
    const auto under_way = busy_.size() + waiting_.size();
    if (limited_ && under_way >= limit_.limit()) {
      return false;
    }
    waiting_.push_back(now_);
    serve();
    return true;
  }
  void serve() {
    while (!waiting_.empty() && static_cast<double>(busy_.size()) < server_.slots) {
      busy_.push({.end = now_ + service(), .came = waiting_.front()});
      waiting_.pop_front();
    }
  }
  void finish() {
    const auto request = busy_.top();
    most_ = std::max(most_, static_cast<std::uint32_t>(busy_.size() + waiting_.size()));
    busy_.pop();
    now_ = request.end;
    const double took = now_ - request.came;
    latencies_.push_back(took);
    logs_ += std::log(took);
    ++samples_;
    end_window();
    serve();
  }
  // As the proxy does it.
  void end_window() {
    const auto now = Clock::time_point(std::chrono::duration_cast<Clock::duration>(Seconds(now_)));
    const auto verdict = GradientLimit::judge(
        samples_, std::chrono::duration_cast<Clock::duration>(Seconds(now_ - window_)), mean_);
    if (verdict == GradientLimit::Verdict::kWait) {
      return;
    }
    if (verdict == GradientLimit::Verdict::kAdd) {
      mean_ = std::exp(logs_ / samples_);
      limit_.add({.seconds = mean_, .most_under_way = most_, .end = now});
    } else {
      limit_.skip();
    }
    window_ = now_;
    logs_ = 0;
    samples_ = most_ = 0;
  }
  static double quantile(std::vector<double>& of, double part) {
    if (of.empty()) {
      return 0;
    }
    const auto at = of.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(of.size()) * part);
    std::ranges::nth_element(of, at);
    return *at;
  }

  bool limited_;
  Server server_;
  GradientLimit limit_;
  Lots lots_{1};
  std::priority_queue<Request, std::vector<Request>, std::greater<>> busy_;
  std::deque<double> waiting_;
  std::vector<double> latencies_, limits_;
  double now_ = 3600, next_ = 0, window_ = 3600;
  double mean_ = 0, logs_ = 0;
  std::uint32_t samples_ = 0, most_ = 0;
};

// Twice what it can do.
Server overloaded(double slots, double noise = 0) {
  Server server{.slots = slots, .noise = noise};
  server.per_second = 2 * server.capacity();
  return server;
}

void expect_well(const Simulation::Outcome& outcome, const Server& server) {
  EXPECT_LE(outcome.p50, 2.5 * server.service);
  EXPECT_LE(outcome.p99, 3 * server.service * std::exp(2.33 * server.noise));
  EXPECT_GE(outcome.served, 0.95 * server.capacity());
}

TEST(GradientLimitSimulation, WithoutALimitEveryoneWaitsLongerAndLonger) {
  const auto server = overloaded(10);
  Simulation simulation(false);
  const auto first = simulation.run(server, 10);
  const auto later = simulation.run(server, 50);
  EXPECT_GE(first.p50, 50 * server.service);
  EXPECT_GE(later.p50, 3 * first.p50);
}

TEST(GradientLimitSimulation, SettlesNearWhatTheServerDoesAtOnce) {
  for (const double slots : {2, 10, 100}) {
    for (const double noise : {0.0, 0.5}) {
      SCOPED_TRACE(slots);
      SCOPED_TRACE(noise);
      const auto server = overloaded(slots, noise);
      Simulation simulation(true);
      simulation.run(server, 20);
      const auto outcome = simulation.run(server, 120);
      expect_well(outcome, server);
      EXPECT_GE(outcome.usual_limit, 0.9 * slots);
      EXPECT_LE(outcome.usual_limit, 2 * slots + 3);
    }
  }
}

TEST(GradientLimitSimulation, FollowsWhereTheServerDoesLessAtOnceAndMoreAgain) {
  for (const double slots : {10, 100}) {
    SCOPED_TRACE(slots);
    auto server = overloaded(slots);
    Simulation simulation(true);
    simulation.run(server, 20);
    server.slots = slots / 2;
    simulation.run(server, 35);
    auto outcome = simulation.run(server, 60);
    expect_well(outcome, server);
    EXPECT_LE(outcome.usual_limit, slots + 3);
    server.slots = slots;
    simulation.run(server, 5);
    outcome = simulation.run(server, 60);
    expect_well(outcome, server);
    EXPECT_GE(outcome.usual_limit, slots);
  }
}

TEST(GradientLimitSimulation, FollowsWhereTheServerBecomesSlowForGoodAndFastAgain) {
  for (const double slots : {10, 100}) {
    SCOPED_TRACE(slots);
    auto server = overloaded(slots);
    Simulation simulation(true);
    simulation.run(server, 20);
    server.service *= 3;
    simulation.run(server, 10);
    auto outcome = simulation.run(server, 60);
    expect_well(outcome, server);
    EXPECT_GE(outcome.usual_limit, slots) << "throttled, though it does as much at once as before";
    server.service /= 3;
    simulation.run(server, 10);
    expect_well(simulation.run(server, 60), server);
  }
}

TEST(GradientLimitSimulation, LeavesABackendAloneThatIsNotFull) {
  for (const double noise : {0.0, 0.5, 1.0}) {
    SCOPED_TRACE(noise);
    Server server{.slots = 100, .noise = noise};
    server.per_second = 0.5 * server.capacity();
    Simulation simulation(true);
    simulation.run(server, 20);
    EXPECT_LE(simulation.run(server, 300).refused, 0.002);
  }
}

TEST(GradientLimitSimulation, RefusesNothingOfABackendThatHasLittleToDoHoweverItsLatencyVaries) {
  const Server server{.slots = 1000, .service = 0.05, .noise = 1.5, .per_second = 20};
  EXPECT_EQ(Simulation(true).run(server, 3600).refused, 0);
}

}  // namespace
}  // namespace portico::routing
