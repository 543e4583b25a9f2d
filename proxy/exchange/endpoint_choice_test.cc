#include "proxy/exchange/endpoint_choice.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "proxy/exchange/balancers.h"
#include "proxy/exchange/endpoint_health.h"
#include "proxy/exchange/health_gate.h"
#include "proxy/net/loop.h"
#include "routing/testing/count_allocations.h"

namespace portico::exchange {
namespace {

using routing::BalanceSpec;
using routing::Strategy;

constexpr std::array kStrategies{Strategy::kRoundRobin, Strategy::kLeastRequests, Strategy::kEwma,
                                 Strategy::kRandom};

// One worker, one backend, and the requests that a test makes.
struct Shop {
  explicit Shop(std::size_t endpoints, BalanceSpec balance = {}) {
    connection.peer = *net::SocketAddress::parse("192.0.2.7:40000");
    facts.decide({}, head, connection);
    auto spec = std::make_shared<routing::BackendSpec>();
    std::vector<std::string> names;
    for (std::size_t i = 0; i < endpoints; ++i) {
      const auto port = static_cast<std::uint16_t>(8000 + i);
      backend.endpoints.push_back({.id = EndpointId{static_cast<std::uint32_t>(i)},
                                   .address = *net::SocketAddress::from("10.0.0.1", port)});
      names.push_back(backend.endpoints.back().address.to_string());
    }
    if (!balance.hash_by.empty()) {
      backend.hash_key = *routing::HashKey::parse(balance.hash_by);
      backend.ring = std::make_shared<const routing::HashRing>(names);
    }
    spec->balance = std::make_shared<const BalanceSpec>(std::move(balance));
    backend.spec = std::move(spec);
  }
  // The next try of a request that `choice` is of.
  std::size_t next(EndpointChoice& choice, std::string_view user = "alice") {
    head.target = "/";
    head.fields.clear();
    head.fields.add(http::FieldId::kOther, "x-user", user);
    const auto* chosen = choice.next(routing::BackendId{0}, backend, backend.endpoints,
                                     {.head = head,
                                      .target = target,
                                      .client = facts,
                                      .host = "shop.example.com",
                                      .panic_percent = panic_percent});
    return static_cast<std::size_t>(chosen - backend.endpoints.data());
  }
  // Of a request of its own.
  std::size_t first(std::string_view user = "alice") {
    EndpointChoice choice(balancers, health);
    choice.begin();
    return next(choice, user);
  }
  routing::EndpointLoad load(std::size_t endpoint) {
    return balancers.load(backend.endpoints[endpoint].id);
  }

  std::uint8_t panic_percent = 0;
  net::Loop loop;
  HealthGate health{loop};
  Balancers balancers{1, 1};
  Backend backend;
  http::RequestHead head;
  net::TransportInfo connection;
  routing::NormalTarget target;
  ClientFacts facts;
};

// A request that stays open at the endpoint it is given.
struct OpenRequest {
  explicit OpenRequest(Shop& shop) : choice(shop.balancers, shop.health) {
    choice.begin();
    endpoint = shop.next(choice);
    choice.try_began(shop.backend.endpoints[endpoint].id);
  }
  ~OpenRequest() { choice.try_ended(); }
  OpenRequest(const OpenRequest&) = delete;
  OpenRequest& operator=(const OpenRequest&) = delete;

  EndpointChoice choice;
  std::size_t endpoint = 0;
};

TEST(EndpointChoice, ThereIsNoneWhereThereAreNone) {
  Shop shop(0);
  EndpointChoice choice(shop.balancers, shop.health);
  choice.begin();
  EXPECT_EQ(choice.next(routing::BackendId{0}, shop.backend, {},
                        {.head = shop.head, .target = shop.target, .client = shop.facts}),
            nullptr);
}

TEST(EndpointChoice, EachTryGoesToAnotherEndpointByEveryStrategy) {
  for (const auto strategy : kStrategies) {
    Shop shop(20, {.strategy = strategy});
    for (int request = 0; request < 50; ++request) {
      EndpointChoice choice(shop.balancers, shop.health);
      choice.begin();
      std::set<std::size_t> tried;
      for (int i = 0; i < 20; ++i) {
        tried.insert(shop.next(choice));
      }
      EXPECT_EQ(tried.size(), 20U);
      EXPECT_LT(shop.next(choice), 20U);  // and when all were tried, any
    }
  }
}

TEST(EndpointChoice, ATryOfAnotherRequestIsNoneOfThisOne) {
  Shop shop(1);
  EndpointChoice choice(shop.balancers, shop.health);
  for (int request = 0; request < 3; ++request) {
    choice.begin();
    EXPECT_EQ(shop.next(choice), 0U);
  }
}

TEST(EndpointChoice, FewerOpenRequestsWin) {
  for (const auto strategy : {Strategy::kLeastRequests, Strategy::kEwma}) {
    Shop shop(2, {.strategy = strategy});
    const OpenRequest one(shop);
    for (int i = 0; i < 20; ++i) {
      EXPECT_NE(shop.first(), one.endpoint);
    }
    const OpenRequest two(shop);
    EXPECT_NE(one.endpoint, two.endpoint);
  }
}

TEST(EndpointChoice, WhatIsOverIsOpenNoMore) {
  Shop shop(2, {.strategy = Strategy::kLeastRequests});
  std::size_t endpoint = 0;
  {
    OpenRequest request(shop);
    endpoint = request.endpoint;
    EXPECT_EQ(shop.load(endpoint).open(), 1U);
    request.choice.try_ended();
    request.choice.try_ended();
    EXPECT_EQ(shop.load(endpoint).open(), 0U);
  }
  EXPECT_EQ(shop.load(endpoint).open(), 0U);
}

TEST(EndpointChoice, WhoFailsFastIsNotFast) {
  Shop shop(2, {.strategy = Strategy::kEwma});
  OpenRequest good(shop);
  good.choice.try_answered(200);
  OpenRequest bad(shop);
  ASSERT_NE(good.endpoint, bad.endpoint);
  bad.choice.try_answered(503);
  EXPECT_TRUE(shop.load(good.endpoint).heard());
  EXPECT_GE(shop.load(bad.endpoint).expected_seconds(std::chrono::steady_clock::now()), 0.0005);
}

TEST(EndpointChoice, OnlyWhoGoesByTheLoadWritesItDown) {
  for (const auto strategy : {Strategy::kRoundRobin, Strategy::kRandom}) {
    Shop shop(2, {.strategy = strategy});
    OpenRequest request(shop);
    request.choice.try_answered(200);
    EXPECT_EQ(shop.load(request.endpoint).open(), 0U);
    EXPECT_FALSE(shop.load(request.endpoint).heard());
  }
}

TEST(EndpointChoice, AnEndpointThatIsNoMoreTakesItsFiguresAlong) {
  Shop shop(1, {.strategy = Strategy::kEwma});
  const auto id = shop.backend.endpoints[0].id;
  OpenRequest before(shop);
  shop.balancers.forget(id);
  EXPECT_EQ(shop.load(0).open(), 0U);
  OpenRequest after(shop);  // another endpoint has got the id
  before.choice.try_answered(200);
  before.choice.try_ended();
  EXPECT_EQ(shop.load(0).open(), 1U);
  EXPECT_FALSE(shop.load(0).heard());
}

TEST(EndpointChoice, HashingSticksAndSpreads) {
  Shop shop(5, {.hash_by = "$http_x_user"});
  std::set<std::size_t> used;
  for (int i = 0; i < 100; ++i) {
    const auto user = "user-" + std::to_string(i);
    const auto endpoint = shop.first(user);
    EXPECT_EQ(shop.first(user), endpoint);
    used.insert(endpoint);
  }
  EXPECT_EQ(used.size(), 5U);
}

TEST(EndpointChoice, HashingTriesTheSameNextOneEachTime) {
  Shop shop(5, {.hash_by = "$http_x_user"});
  std::set<std::vector<std::size_t>> orders;
  for (int request = 0; request < 10; ++request) {
    EndpointChoice choice(shop.balancers, shop.health);
    choice.begin();
    orders.insert({shop.next(choice), shop.next(choice), shop.next(choice)});
  }
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(std::set(orders.begin()->begin(), orders.begin()->end()).size(), 3U);
}

TEST(EndpointChoice, WithoutAKeyTheStrategyDecides) {
  Shop shop(3, {.hash_by = "$http_x_user"});
  std::array<int, 3> used{};
  for (int i = 0; i < 30; ++i) {
    ++used.at(shop.first(""));
  }
  EXPECT_EQ(used, (std::array<int, 3>{10, 10, 10}));
}

TEST(EndpointChoice, ASubsetIsUsedAsAWholeAndLeftWhereItFails) {
  Shop shop(10, {.hash_by = "$http_x_user", .hash_subset = true, .hash_subset_size = 3});
  std::set<std::size_t> used;
  for (int i = 0; i < 200; ++i) {
    used.insert(shop.first());
  }
  EXPECT_EQ(used.size(), 3U);
  EndpointChoice choice(shop.balancers, shop.health);
  choice.begin();
  std::set<std::size_t> tried;
  for (int i = 0; i < 3; ++i) {
    tried.insert(shop.next(choice));
  }
  EXPECT_EQ(tried, used);
  EXPECT_FALSE(used.contains(shop.next(choice)));
}

// ---- endpoints that are out, and far ones

// As many as `near` come first.
struct ZonedShop : Shop {
  ZonedShop(std::size_t endpoints, std::size_t near, BalanceSpec balance = {})
      : Shop(endpoints, std::move(balance)) {
    backend.near_endpoints = near;
    for (auto& endpoint : backend.endpoints) {
      endpoint.health = table.take(endpoint.id);
    }
  }
  void eject(std::size_t endpoint) {
    for (int i = 0; i < 5; ++i) {
      backend.endpoints[endpoint].health->report(routing::TryOutcome::kFailed, false, {}, now);
    }
  }
  void bring_back(std::size_t endpoint) {
    backend.endpoints[endpoint].health->report(routing::TryOutcome::kAnswered, true, {}, now);
  }
  void begin(EndpointChoice& choice) {
    choice.begin();
    health.begin_try(policy, backend.endpoints.size(), now);
  }
  std::size_t first(std::string_view user = "alice") {
    EndpointChoice choice(balancers, health);
    begin(choice);
    const auto endpoint = next(choice, user);
    panicked = choice.panicked();
    return endpoint;
  }
  std::vector<int> spread(int requests) {
    std::vector<int> counts(backend.endpoints.size());
    panics = 0;
    for (int i = 0; i < requests; ++i) {
      ++counts.at(first("user-" + std::to_string(i)));
      panics += panicked ? 1 : 0;
    }
    return counts;
  }

  const EndpointHealth::Clock::time_point now = loop.now();  // it stands: nothing is due
  EndpointHealthTable table;
  routing::Policy policy;
  bool panicked = false;
  int panics = 0;
};

TEST(EndpointChoice, NearOnesAreAskedAsLongAsOneIsLeft) {
  ZonedShop shop(5, 3);
  EXPECT_EQ(shop.spread(30), (std::vector{10, 10, 10, 0, 0}));
  shop.eject(1);
  EXPECT_EQ(shop.spread(30), (std::vector{15, 0, 15, 0, 0}));
  shop.eject(0);
  EXPECT_EQ(shop.spread(30), (std::vector{0, 0, 30, 0, 0}));
  shop.eject(2);
  EXPECT_EQ(shop.spread(30), (std::vector{0, 0, 0, 15, 15}));
  EXPECT_EQ(shop.panics, 0);
  shop.bring_back(2);
  EXPECT_EQ(shop.spread(30), (std::vector{0, 0, 30, 0, 0}));
}

TEST(EndpointChoice, NearOnesAreAskedFirstByEveryStrategy) {
  for (const auto strategy : kStrategies) {
    ZonedShop shop(20, 4, {.strategy = strategy});
    const auto counts = shop.spread(200);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.begin() + 4, 0), 200);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_GT(counts[i], 10);
    }
  }
}

TEST(EndpointChoice, FurtherTriesGoToNearOnesThenToFarOnes) {
  ZonedShop shop(5, 2);
  EndpointChoice choice(shop.balancers, shop.health);
  shop.begin(choice);
  std::vector<std::size_t> tried;
  for (int i = 0; i < 5; ++i) {
    tried.push_back(shop.next(choice));
  }
  EXPECT_LT(tried[0], 2U);
  EXPECT_LT(tried[1], 2U);
  EXPECT_EQ(std::set(tried.begin(), tried.end()).size(), 5U);
}

TEST(EndpointChoice, FarOnesCountAsBetterThanNone) {
  ZonedShop shop(2, 1);
  EndpointChoice choice(shop.balancers, shop.health);
  shop.begin(choice);
  EXPECT_EQ(shop.next(choice), 0U);
  EXPECT_TRUE(choice.has_healthy(shop.backend.endpoints));
  shop.eject(1);
  EXPECT_FALSE(choice.has_healthy(shop.backend.endpoints));
}

TEST(EndpointChoice, WhereNoneServesNearOnesAreTriedAsIfTheyDid) {
  ZonedShop shop(4, 2);
  for (std::size_t i = 0; i < 4; ++i) {
    shop.eject(i);
  }
  EXPECT_EQ(shop.spread(10), (std::vector{5, 5, 0, 0}));
  EXPECT_EQ(shop.panics, 10);
}

TEST(EndpointChoice, HashingKnowsNoNearness) {
  ZonedShop shop(4, 1, {.hash_by = "$http_x_user"});
  const auto counts = shop.spread(200);
  EXPECT_GT(std::ranges::min(counts), 20);
}

TEST(EndpointChoice, WithoutAThresholdOnlyWhereNoneServesItPanics) {
  ZonedShop shop(4, 4);
  for (const std::size_t out : {0U, 1U, 2U}) {
    shop.eject(out);
    EXPECT_EQ(shop.spread(8)[3], 8 / (3 - static_cast<int>(out)));
    EXPECT_EQ(shop.panics, 0);
  }
  shop.eject(3);
  EXPECT_EQ(shop.spread(8), (std::vector{2, 2, 2, 2}));
  EXPECT_EQ(shop.panics, 8);
}

TEST(EndpointChoice, BelowTheThresholdAllAreTriedByEveryStrategy) {
  for (const auto strategy : kStrategies) {
    ZonedShop shop(4, 4, {.strategy = strategy, .panic_percent = 50});
    shop.eject(0);
    shop.eject(1);
    auto counts = shop.spread(200);
    EXPECT_EQ(counts[0] + counts[1], 0) << "half of them are enough";
    EXPECT_EQ(shop.panics, 0);
    shop.eject(2);
    counts = shop.spread(200);
    EXPECT_EQ(shop.panics, 200);
    for (const auto count : counts) {
      EXPECT_GT(count, 20);
    }
    shop.bring_back(2);
    EXPECT_EQ(shop.spread(200)[0], 0);
    EXPECT_EQ(shop.panics, 0);
  }
}

TEST(EndpointChoice, InPanicKeysLeadToTheirOwnEndpoints) {
  ZonedShop shop(4, 4, {.hash_by = "$http_x_user", .panic_percent = 50});
  const auto before = shop.spread(100);
  for (const std::size_t out : {0U, 1U, 2U}) {
    shop.eject(out);
  }
  EXPECT_EQ(shop.spread(100), before);
  EXPECT_EQ(shop.panics, 100);
}

TEST(EndpointChoice, TooFewNearOnesGetTheHelpOfFarOnesBeforeItPanics) {
  ZonedShop shop(8, 4, {.panic_percent = 50});
  for (const std::size_t out : {0U, 1U, 2U}) {
    shop.eject(out);
  }
  EXPECT_EQ(shop.spread(10), (std::vector{0, 0, 0, 2, 2, 2, 2, 2}));
  EXPECT_EQ(shop.panics, 0);
  shop.eject(4);
  shop.eject(5);
  EXPECT_EQ(shop.spread(16), std::vector(8, 2));
  EXPECT_EQ(shop.panics, 16);
}

TEST(EndpointChoice, AThresholdOfTheSettingsHoldsWhereTheBackendHasNone) {
  ZonedShop shop(4, 4);
  shop.panic_percent = 100;
  shop.eject(0);
  EXPECT_EQ(shop.spread(8), (std::vector{2, 2, 2, 2}));
  ZonedShop other(4, 4, {.panic_percent = 0});
  other.panic_percent = 100;
  other.eject(0);
  EXPECT_EQ(other.spread(9), (std::vector{0, 3, 3, 3}));
}

TEST(EndpointChoice, WithoutEjectionsThereIsNoPanic) {
  ZonedShop shop(4, 4, {.panic_percent = 100});
  shop.eject(0);
  shop.policy.outlier_ejection = false;
  EXPECT_EQ(shop.spread(8), (std::vector{2, 2, 2, 2}));
  EXPECT_EQ(shop.panics, 0);
}

TEST(EndpointChoice, PanicIsForgottenWithTheEndpointsItIsOf) {
  ZonedShop shop(2, 2, {.panic_percent = 100});
  shop.eject(0);
  EXPECT_EQ(shop.spread(4), (std::vector{2, 2}));
  EXPECT_EQ(shop.panics, 4);
  shop.backend.endpoints.erase(shop.backend.endpoints.begin());
  shop.backend.endpoints.push_back(shop.backend.endpoints.front());
  shop.backend.endpoints.back().id = EndpointId{7};
  shop.backend.endpoints.back().health = shop.table.take(EndpointId{7});
  shop.balancers.panics().forget();
  EXPECT_EQ(shop.spread(4), (std::vector{2, 2}));
  EXPECT_EQ(shop.panics, 0);
}

TEST(EndpointChoice, AllocatesNothing) {
  for (const auto strategy : kStrategies) {
    for (const auto* key : {"", "$http_x_user-$remote_addr"}) {
      Shop shop(100, {.strategy = strategy, .hash_by = key, .hash_subset = true});
      EndpointChoice choice(shop.balancers, shop.health);
      const auto ask = [&] {
        choice.begin();
        const auto endpoint = shop.next(choice);
        choice.try_began(shop.backend.endpoints[endpoint].id);
        choice.try_answered(200);
        choice.try_ended();
      };
      shop.balancers.load(EndpointId{99});
      ask();
      EXPECT_EQ(routing::testing::count_allocations([&] {
                  for (int i = 0; i < 100; ++i) {
                    ask();
                  }
                }),
                0U);
    }
  }
}

}  // namespace
}  // namespace portico::exchange
