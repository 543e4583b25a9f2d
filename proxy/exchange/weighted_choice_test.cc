// Weights and slow start, by each strategy.
#include <array>
#include <chrono>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/exchange/balancers.h"
#include "proxy/exchange/endpoint_choice.h"
#include "proxy/exchange/endpoint_health.h"
#include "proxy/exchange/health_gate.h"
#include "proxy/net/loop.h"
#include "routing/testing/count_allocations.h"

namespace portico::exchange {
namespace {

using routing::BalanceSpec;
using routing::Strategy;
using std::chrono::seconds;

constexpr std::array kStrategies{Strategy::kRoundRobin, Strategy::kLeastRequests, Strategy::kEwma,
                                 Strategy::kRandom};
const EndpointHealth::Clock::time_point kStart{std::chrono::hours(1)};

// One worker and one backend, whose endpoints may have weights and be new.
struct Shop {
  explicit Shop(const std::vector<std::uint32_t>& weights, BalanceSpec balance = {}) {
    auto spec = std::make_shared<routing::BackendSpec>();
    spec->balance = std::make_shared<const BalanceSpec>(std::move(balance));
    backend.spec = std::move(spec);
    for (const auto weight : weights) {
      const auto number = static_cast<std::uint32_t>(backend.endpoints.size());
      const auto port = static_cast<std::uint16_t>(8000 + number);
      backend.endpoints.push_back({.id = EndpointId{number},
                                   .address = *net::SocketAddress::from("10.0.0.1", port),
                                   .health = table.take(EndpointId{number}),
                                   .weight = weight});
    }
    backend.weights = routing::WeightTable(weights);
    backend.near_endpoints = weights.size();
  }

  // Of `requests`, one after the other, how many each endpoint got.
  std::vector<int> ask(int requests) {
    std::vector<int> counts(backend.endpoints.size());
    EndpointChoice choice(balancers, health);
    for (int i = 0; i < requests; ++i) {
      choice.begin();
      health.begin_try(policy, backend.endpoints.size(), now);
      const auto* chosen = choice.next(routing::BackendId{0}, backend, backend.endpoints, request);
      ++counts[static_cast<std::size_t>(chosen - backend.endpoints.data())];
      choice.try_began(chosen->id);
      choice.try_ended();
    }
    return counts;
  }

  net::Loop loop;
  routing::Policy policy;
  EndpointHealthTable table;
  HealthGate health{loop};
  Balancers balancers{1, 1};
  Backend backend;
  http::RequestHead head;
  routing::NormalTarget target;
  ClientFacts facts;
  ChoiceRequest request{.head = head, .target = target, .client = facts};
  EndpointHealth::Clock::time_point now = kStart;
};

TEST(WeightedChoice, TurnsAreExactByWeight) {
  Shop shop({3, 1});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(shop.ask(4), (std::vector{3, 1}));
  }
}

TEST(WeightedChoice, EveryStrategyHeedsWeightsWhereAllIsQuiet) {
  for (const auto strategy : kStrategies) {
    Shop shop({3, 1, 1, 3}, {.strategy = strategy});
    const auto counts = shop.ask(40'000);
    for (const auto index : {0U, 3U}) {
      EXPECT_NEAR(counts[index], 15'000, 750) << static_cast<int>(strategy);
    }
  }
}

TEST(WeightedChoice, AHeavyOneBearsMoreOpenRequests) {
  for (const auto strategy : {Strategy::kLeastRequests, Strategy::kEwma}) {
    Shop shop({4, 1}, {.strategy = strategy});
    for (int i = 0; i < 3; ++i) {
      shop.balancers.load(EndpointId{0}).began();
    }
    shop.balancers.load(EndpointId{1}).began();
    EXPECT_EQ(shop.ask(50), (std::vector{50, 0}));
    shop.balancers.load(EndpointId{0}).began();
    shop.balancers.load(EndpointId{0}).began();
    EXPECT_EQ(shop.ask(50), (std::vector{0, 50}));
  }
}

TEST(WeightedChoice, ATryFailedGoesToAnotherWhateverTheWeights) {
  for (const auto strategy : kStrategies) {
    Shop shop({1'000, 1, 10}, {.strategy = strategy});
    for (int i = 0; i < 50; ++i) {
      EndpointChoice choice(shop.balancers, shop.health);
      choice.begin();
      std::array<int, 3> tries{};
      for (int attempt = 0; attempt < 3; ++attempt) {
        shop.health.begin_try(shop.policy, 3, kStart);
        const auto* chosen =
            choice.next(routing::BackendId{0}, shop.backend, shop.backend.endpoints, shop.request);
        ++tries.at(static_cast<std::size_t>(chosen - shop.backend.endpoints.data()));
      }
      EXPECT_EQ(tries, (std::array{1, 1, 1}));
    }
  }
}

TEST(WeightedChoice, NearOnesShareByTheirWeights) {
  for (const auto strategy : kStrategies) {
    Shop shop({3, 1, 100}, {.strategy = strategy});
    shop.backend.near_endpoints = 2;
    shop.backend.near_weights = routing::WeightTable(std::array{3U, 1U});
    const auto counts = shop.ask(10'000);
    EXPECT_EQ(counts[2], 0);
    // Of two, peak EWMA and least requests always see both: the first one drawn wins where they are
    // alike.
    EXPECT_NEAR(counts[0], 7'500, 400) << static_cast<int>(strategy);
  }
}

TEST(SlowStart, ANewOneGetsATenthOfItsShareAtFirstAndAllOfItLater) {
  for (const auto strategy : kStrategies) {
    Shop shop({1, 1, 1}, {.strategy = strategy, .slow_start = seconds(10)});
    shop.backend.endpoints[1].since = kStart;
    EXPECT_NEAR(shop.ask(21'000)[1], 1'000, 150) << static_cast<int>(strategy);
    shop.now = kStart + seconds(5);
    EXPECT_NEAR(shop.ask(25'000)[1], 5'000, 500) << static_cast<int>(strategy);
    shop.now = kStart + seconds(10);
    EXPECT_NEAR(shop.ask(30'000)[1], 10'000, 700) << static_cast<int>(strategy);
  }
}

TEST(SlowStart, TurnsAreExactAgainOnceItIsOver) {
  Shop shop({1, 1, 1}, {.slow_start = seconds(10)});
  shop.backend.endpoints[1].since = kStart;
  shop.ask(100);
  shop.now = kStart + seconds(20);
  shop.ask(100);
  EXPECT_EQ(shop.ask(300), (std::vector{100, 100, 100}));
}

TEST(SlowStart, GrowsToTheWeight) {
  Shop shop({1, 4}, {.slow_start = seconds(10)});
  shop.backend.endpoints[1].since = kStart;
  shop.now = kStart + seconds(5);
  EXPECT_NEAR(shop.ask(3'000)[1], 2'000, 2);
  shop.now = kStart + seconds(10);
  EXPECT_NEAR(shop.ask(5'000)[1], 4'000, 2);
}

TEST(SlowStart, OneThatIsBackFromEjectionBeginsAnew) {
  Shop shop({1, 1}, {.slow_start = seconds(10)});
  auto& health = *shop.backend.endpoints[1].health;
  for (int i = 0; i < 2; ++i) {
    health.report(routing::TryOutcome::kUnreachable, false, {}, kStart);
  }
  EXPECT_EQ(shop.ask(100), (std::vector{100, 0}));
  health.report(routing::TryOutcome::kAnswered, true, {}, kStart + seconds(1));
  shop.now = kStart + seconds(1);
  EXPECT_NEAR(shop.ask(110)[1], 10, 2);
  shop.now = kStart + seconds(11);
  shop.ask(10);
  EXPECT_NEAR(shop.ask(100)[1], 50, 1);
}

TEST(SlowStart, IsTheRequestsWhereTheBackendAsksForNone) {
  Shop shop({1, 1}, {.slow_start = seconds(0)});
  shop.backend.endpoints[1].since = kStart;
  shop.request.slow_start = seconds(10);
  EXPECT_EQ(shop.ask(100), (std::vector{50, 50}));
  auto spec = std::make_shared<routing::BackendSpec>();
  shop.backend.spec = spec;
  EXPECT_NEAR(shop.ask(110)[1], 10, 2);
}

TEST(WeightedChoice, AllocatesNothing) {
  for (const auto strategy : kStrategies) {
    Shop shop({3, 1, 2}, {.strategy = strategy, .slow_start = seconds(10)});
    shop.backend.endpoints[1].since = kStart;
    shop.balancers.load(EndpointId{2});
    shop.ask(1);
    EndpointChoice choice(shop.balancers, shop.health);
    EXPECT_EQ(routing::testing::count_allocations([&] {
                for (int i = 0; i < 100; ++i) {
                  choice.begin();
                  shop.health.begin_try(shop.policy, 3, kStart);
                  choice.next(routing::BackendId{0}, shop.backend, shop.backend.endpoints,
                              shop.request);
                }
              }),
              0U);
  }
}

}  // namespace
}  // namespace portico::exchange
