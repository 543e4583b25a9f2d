// What a route's policy has tried at another endpoint.
#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/exchange/exchange.h"
#include "proxy/exchange/retry_budget.h"
#include "proxy/exchange/testing/scene.h"

namespace portico::exchange {
namespace {

using namespace std::chrono_literals;
using enum routing::RetryOn;
using testing::bytes_of;
using testing::Scene;
using testing::shop;
namespace error = routing::upstream_error;

routing::Policy on(routing::RetryConditions conditions) {
  return {.retries = {.on = conditions}};
}

std::shared_ptr<const Config> shop_of_three(const routing::Policy& policy,
                                            RetryBudget* budget = nullptr) {
  testing::ConfigBuilder builder;
  if (budget != nullptr) {
    builder.retry_budget(*budget);
  }
  return builder.backend("default/web:80", {8001, 8002, 8003})
      .route("shop.example.com", "/", "default/web:80", policy)
      .build();
}

void put(Scene& scene, std::uint64_t length) {
  scene.get("/", http::Method::kPut, "PUT");
  scene.head.framing = http::Framing::kLength;
  scene.head.content_length = length;
}

// How many endpoints were asked, none of them twice.
std::size_t asked(const Scene& scene) {
  auto ports = scene.worker.upstreams.ports;
  std::ranges::sort(ports);
  EXPECT_EQ(std::ranges::unique(ports).size(), 0U);
  return ports.size();
}

// ---- failures and timeouts

TEST(Retries, AsksAnotherEndpointWhereOneFailsAfterItWasSent) {
  for (const auto& failed :
       {error::kHeadTimeout, routing::ProxyError{.retry = routing::RetryRule::kFailed}}) {
    Scene scene;
    scene.start();
    scene.backend().fail(failed);
    EXPECT_EQ(asked(scene), 2U);
    scene.backend().answer(200, "x");
    EXPECT_EQ(scene.client.status, 200);
    EXPECT_EQ(scene.record().attempts, 2);
    scene.expect_finished();
  }
}

TEST(Retries, AsksAnotherEndpointWhereOneDoesNotAnswerInTime) {
  Scene scene;
  scene.start();
  scene.worker.pass(61s);  // what is armed meanwhile, too
  EXPECT_EQ(asked(scene), 2U);
  EXPECT_EQ(scene.client.status, 504);
  EXPECT_EQ(scene.record().reason, error::kHeadTimeout.reason);
  scene.expect_finished();
}

TEST(Retries, BeginsNoTryOnceTheirTimeIsOver) {
  Scene scene(shop({.retries = {.timeout = 1ms}}));
  scene.start();
  const auto over = std::chrono::steady_clock::now() + 1ms;
  while (std::chrono::steady_clock::now() < over) {
  }
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_EQ(scene.client.status, 504);
  EXPECT_EQ(asked(scene), 1U);
}

TEST(Retries, AsksNobodyElseWhereTheyAreOff) {
  Scene scene(shop(on({})));
  scene.worker.upstreams.warm = false;
  scene.start();
  scene.worker.upstreams.refuse(error::kConnectRefused);
  EXPECT_EQ(scene.client.status, 502);
  EXPECT_EQ(asked(scene), 1U);
  scene.expect_finished();
}

TEST(Retries, NeverSendAPostTwiceUnlessThePolicySaysSo) {
  for (const bool says_so : {false, true}) {
    Scene scene(shop({.retries = {.non_idempotent = says_so}}));
    scene.post(http::Framing::kNone);
    scene.start();
    scene.backend().fail(error::kHeadTimeout);
    EXPECT_EQ(asked(scene), says_so ? 2U : 1U);
    EXPECT_EQ(scene.client.status, says_so ? 0 : 504);
  }
}

TEST(Retries, NeverBeginOnceTheClientWasToldAnything) {
  Scene scene(shop(on({kError, kHttp503})));
  scene.start();
  scene.backend().answer_head(103, http::Framing::kNone);
  EXPECT_EQ(scene.client.interims, "103 ");
  scene.backend().answer(503, "later");
  EXPECT_EQ(scene.client.status, 503);
  EXPECT_EQ(scene.client.body, "later");
  scene.expect_finished();
}

// ---- statuses

TEST(Retries, DropAnAnswerThatThePolicyNames) {
  Scene scene(shop(on({kHttp503})));
  scene.start();
  scene.backend().answer(503, "not this one");
  EXPECT_EQ(scene.client.status, 0);
  EXPECT_TRUE(scene.worker.upstreams.streams[0]->released());
  EXPECT_EQ(asked(scene), 2U);
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_EQ(scene.client.body, "x");
  EXPECT_EQ(scene.record().upstream_status, 200);
  EXPECT_EQ(scene.record().response_bytes, 1U);
  scene.expect_finished();
}

TEST(Retries, HandOnTheLastAnswerAsItIs) {
  Scene scene(shop(on({kHttp503})));
  scene.start();
  scene.backend().answer(503, "first");
  scene.backend().answer_head(503, http::Framing::kLength, 6, {}, {{"Retry-After", "7"}});
  scene.backend().answer_body("second");
  scene.backend().answer_end();
  EXPECT_EQ(scene.client.status, 503);
  EXPECT_FALSE(scene.client.own);
  EXPECT_EQ(scene.client.body, "second");
  EXPECT_THAT(scene.client.fields, ::testing::HasSubstr("Retry-After: 7\n"));
  EXPECT_EQ(scene.record().attempts, 2);
  scene.expect_finished();
}

TEST(Retries, HandOnAnAnswerThatThePolicyDoesNotName) {
  Scene scene(shop(on({kError, kHttp502})));
  scene.start();
  scene.backend().answer(503, "x");
  EXPECT_EQ(scene.client.status, 503);
  scene.expect_finished();
}

TEST(Retries, HandOnAnAnswerToAPost) {
  Scene scene(shop(on({kHttp503})));
  scene.post(http::Framing::kNone);
  scene.start();
  scene.backend().answer(503, "x");
  EXPECT_EQ(scene.client.status, 503);
  scene.expect_finished();
}

TEST(Retries, AreBoundByThePolicysTries) {
  Scene scene(shop_of_three({.retries = {.on = {kHttp503}, .tries = 2}}));
  scene.start();
  scene.backend().answer(503, "a");
  scene.backend().answer(503, "b");
  EXPECT_EQ(scene.client.body, "b");
  EXPECT_EQ(asked(scene), 2U);
  scene.expect_finished();
}

TEST(Retries, DoNotCountAStaleConnectionAsATry) {
  Scene scene(shop({.retries = {.tries = 2}}));
  scene.start();
  scene.backend().fail(error::kClosedBeforeAnswer);
  scene.worker.upstreams.connected();
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_EQ(scene.worker.upstreams.ports.size(), 3U);
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_EQ(scene.record().attempts, 3);
}

// ---- bodies

TEST(Retries, SendASmallBodyAgain) {
  Scene scene;
  put(scene, 4);
  scene.start();
  scene.exchange.on_request_body(bytes_of("ab"));
  scene.exchange.on_request_body(bytes_of("cd"));
  scene.exchange.on_request_end(nullptr);
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_EQ(asked(scene), 2U);
  EXPECT_EQ(scene.backend().head, "PUT /");
  EXPECT_TRUE(scene.backend().body_follows);
  EXPECT_EQ(scene.backend().body, "abcd");
  EXPECT_TRUE(scene.backend().ended);
  EXPECT_GT(scene.backend().flushes, 0);
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_EQ(scene.record().request_bytes, 4U);
  scene.expect_finished();
}

TEST(Retries, GoOnWithABodyThatIsStillComing) {
  Scene scene;
  put(scene, 4);
  scene.start();
  scene.exchange.on_request_body(bytes_of("ab"));
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_EQ(scene.backend().body, "ab");
  EXPECT_GT(scene.backend().flushes, 0) << "the client may send nothing for a while";
  EXPECT_FALSE(scene.backend().ended);
  EXPECT_TRUE(scene.client.credit);
  scene.exchange.on_request_body(bytes_of("cd"));
  scene.exchange.on_request_end(nullptr);
  EXPECT_EQ(scene.backend().body, "abcd");
  EXPECT_TRUE(scene.backend().ended);
}

TEST(Retries, TakeNoMoreOfTheBodyWhileAnEndpointIsSlowWithWhatWasKept) {
  Scene scene;
  scene.worker.upstreams.warm = false;
  put(scene, 4);
  scene.start();
  scene.worker.upstreams.connected();
  scene.exchange.on_request_body(bytes_of("ab"));
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_FALSE(scene.client.credit) << "nobody is there to take it";
  scene.worker.upstreams.slow = true;
  scene.worker.upstreams.connected();
  EXPECT_EQ(scene.backend().body, "ab");
  EXPECT_FALSE(scene.client.credit);
  scene.backend().drain();
  EXPECT_TRUE(scene.client.credit);
}

TEST(Retries, SendALongBodyOnce) {
  Scene scene;
  const std::string piece(10'000, 'x');
  put(scene, 20'000);
  scene.start();
  scene.exchange.on_request_body(bytes_of(piece));
  scene.exchange.on_request_body(bytes_of(piece));
  scene.exchange.on_request_end(nullptr);
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_EQ(scene.client.status, 504);
  scene.expect_finished();
}

TEST(Retries, KeepNoBodyWhereMemoryIsShort) {
  Scene scene;
  scene.worker.context.pressure = Pressure::kHigh;
  put(scene, 2);
  scene.start();
  scene.exchange.on_request_body(bytes_of("ab"));
  scene.exchange.on_request_end(nullptr);
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_EQ(scene.client.status, 504);
  scene.expect_finished();
}

TEST(Retries, SendTrailersOnce) {
  Scene scene;
  put(scene, 0);
  scene.head.framing = http::Framing::kChunked;
  scene.start();
  http::FieldBlock trailers;
  trailers.add(http::FieldId::kOther, "Checksum", "1");
  scene.exchange.on_request_end(&trailers);
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_EQ(scene.client.status, 504);
  scene.expect_finished();
}

TEST(Retries, SendABodyAgainOfWhichNothingHadLeft) {
  Scene scene;
  put(scene, 4);
  scene.start();
  scene.exchange.on_request_body(bytes_of("ab"));
  scene.backend().sent = false;
  scene.backend().fail(error::kClosedBeforeAnswer);
  scene.worker.upstreams.connected();
  EXPECT_EQ(scene.backend().body, "ab");
}

// ---- changes meanwhile

std::shared_ptr<const Config> shop_at(std::initializer_list<std::uint16_t> ports,
                                      const routing::Policy& policy = {},
                                      const std::string& backend = "default/web:80") {
  return testing::ConfigBuilder()
      .backend("default/other:80", {9001})
      .backend(backend, ports)
      .route("shop.example.com", "/", backend, policy)
      .build();
}

TEST(Retries, AskAnEndpointThatCameWhileTheLastOneWasAwaited) {
  Scene scene(shop_at({8001}));
  scene.start();
  scene.worker.adopt(shop_at({8002}));
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_THAT(scene.worker.upstreams.ports, ::testing::ElementsAre(8001, 8002));
  scene.worker.adopt(shop_at({8003}));
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_TRUE(scene.record().has_route);
  scene.expect_finished();
}

TEST(Retries, StepOverWhatWasTriedBeforeAChangeOfSomethingElse) {
  for (int i = 0; i < 4; ++i) {
    Scene scene(shop_at({8001, 8002}));
    scene.start();
    scene.worker.adopt(shop_at({8001, 8002}));
    scene.backend().fail(error::kHeadTimeout);
    EXPECT_EQ(asked(scene), 2U);
    scene.worker.adopt(shop_at({8001, 8002}));
    scene.backend().fail(error::kHeadTimeout);
    EXPECT_EQ(scene.client.status, 504);
    scene.expect_finished();
  }
}

// Places in the list say nothing of who was tried: it is sorted by address.
TEST(Retries, StepOverWhatWasTriedBeforeItsNeighbourWasReplaced) {
  for (int i = 0; i < 4; ++i) {
    Scene scene(shop_at({8002, 8003}));
    scene.start();
    const auto first = scene.worker.upstreams.ports.at(0);
    scene.worker.adopt(first == 8002 ? shop_at({8001, 8002}) : shop_at({8003, 8004}));
    scene.backend().fail(error::kHeadTimeout);
    EXPECT_EQ(asked(scene), 2U);
    scene.worker.adopt(first == 8002 ? shop_at({8000, 8001, 8002}) : shop_at({8003, 8004, 8005}));
    scene.backend().fail(error::kHeadTimeout);
    EXPECT_EQ(asked(scene), 3U);
    scene.backend().answer(200, "x");
    scene.expect_finished();
  }
}

TEST(Retries, GiveUpWhereTheRequestIsServedInAnotherWayNow) {
  const auto elsewhere = shop_at({8002}, {}, "default/new:80");
  const auto denied = shop_at({8002}, {.denied_because = "a guard"});
  const auto nowhere = testing::ConfigBuilder()
                           .backend("default/web:80", {8002})
                           .route("other.example.com", "/", "default/web:80")
                           .build();
  for (const auto& config : {elsewhere, denied, nowhere}) {
    Scene scene(shop_at({8001}));
    scene.start();
    scene.worker.adopt(config);
    scene.backend().fail(error::kHeadTimeout);
    EXPECT_EQ(scene.client.status, 504);
    EXPECT_EQ(asked(scene), 1U);
    scene.expect_finished();
  }
}

TEST(Retries, UseAFreshConnectionToTheSameEndpointWhateverChanged) {
  Scene scene(shop_at({8001}));
  scene.start();
  scene.worker.adopt(shop_at({8002}));
  scene.backend().fail(error::kClosedBeforeAnswer);
  scene.worker.upstreams.connected();
  EXPECT_THAT(scene.worker.upstreams.ports, ::testing::ElementsAre(8001, 8001));
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  scene.expect_finished();
}

// ---- the budget

int spend_reserve(RetryBudget& budget) {
  int spent = 0;
  while (budget.spend()) {
    ++spent;
  }
  return spent;
}

TEST(Retries, GiveUpWithoutATokenAndHandOnTheAnswer) {
  RetryBudget budget;
  spend_reserve(budget);
  Scene scene(shop_of_three(on({kHttp503}), &budget));
  scene.start();
  scene.backend().answer(503, "x");
  EXPECT_EQ(scene.client.status, 503);
  EXPECT_EQ(scene.client.body, "x");
  EXPECT_TRUE(scene.record().retry_budget_exhausted);
  scene.expect_finished();
}

TEST(Retries, GiveUpWithoutATokenWithTheErrorsOwnStatus) {
  RetryBudget budget;
  spend_reserve(budget);
  Scene scene(shop_of_three({}, &budget));
  scene.start();
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_EQ(scene.client.status, 504);
  EXPECT_TRUE(scene.record().retry_budget_exhausted);
  scene.expect_finished();
}

TEST(Retries, CostNoTokenWhereNothingWasSent) {
  RetryBudget budget;
  spend_reserve(budget);
  Scene scene(shop_of_three({}, &budget));
  scene.worker.upstreams.warm = false;
  scene.start();
  scene.worker.upstreams.refuse(error::kConnectRefused);
  scene.worker.upstreams.connected();
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_FALSE(scene.record().retry_budget_exhausted);

  Scene stale(shop_of_three({}, &budget));
  stale.start();
  stale.backend().fail(error::kClosedBeforeAnswer);
  EXPECT_TRUE(stale.worker.upstreams.connecting());
}

TEST(Retries, EarnAFifthOfATokenByEachSuccess) {
  RetryBudget budget;
  const auto full = spend_reserve(budget);
  EXPECT_EQ(full, 50);
  for (int i = 0; i < 10; ++i) {
    Scene scene(shop_of_three({}, &budget));
    scene.start();
    scene.backend().answer(i % 2 == 0 ? 200 : 404, "x");
  }
  EXPECT_EQ(spend_reserve(budget), 2);
  for (int i = 0; i < 10; ++i) {
    Scene scene(shop_of_three({}, &budget));
    scene.start();
    scene.backend().answer(500, "x");
  }
  EXPECT_EQ(spend_reserve(budget), 0);
}

TEST(Retries, NeverMultiplyAnOutage) {
  RetryBudget budget;
  constexpr int kRequests = 1000;
  std::size_t attempts = 0;
  for (int i = 0; i < kRequests; ++i) {
    Scene scene(shop_of_three(on({kError, kTimeout, kHttp503}), &budget));
    scene.start();
    while (scene.client.status == 0) {
      scene.backend().answer(503, "x");
    }
    attempts += scene.worker.upstreams.ports.size();
  }
  EXPECT_EQ(attempts, kRequests + 50U) << "the reserve, and not one more";
}

}  // namespace
}  // namespace portico::exchange
