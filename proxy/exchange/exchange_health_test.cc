// What requests make of endpoints that fail: which they step over, and what brings those back.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/exchange/endpoint_health.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/testing/scene.h"

namespace portico::exchange {
namespace {

using testing::ConfigBuilder;
using testing::Scene;
namespace error = routing::upstream_error;
using Phase = routing::OutlierState::Phase;

constexpr std::uint16_t kSick = 3;

// Three endpoints, whose ports are their ids. A scene is one request, made by a worker of its own.
struct ExchangeHealth : ::testing::Test {
  std::shared_ptr<const Config> config(std::initializer_list<std::uint16_t> ports = {1, 2, kSick}) {
    return ConfigBuilder()
        .health(table)
        .backend("default/web:80", ports)
        .route("shop.example.com", "/", "default/web:80", policy)
        .build();
  }
  static EndpointHealth& health(const Config& of, std::size_t index) {
    return *of.backends.find(0)->endpoints.at(index).health;
  }
  // As if they had all failed so long ago that `due`, or just now.
  static void eject(const Config& of, std::initializer_list<std::size_t> indexes, bool due) {
    const auto now = EndpointHealth::Clock::now();
    for (const auto index : indexes) {
      for (int i = 0; i < 5; ++i) {
        health(of, index).report(routing::TryOutcome::kFailed, false, {},
                                 due ? now - std::chrono::seconds(10) : now + kAWhile);
      }
    }
  }
  // Requests, one after the other, on one worker. Gives the port that each was sent to first.
  template <class Answer>
  static std::vector<std::uint16_t> ask(const std::shared_ptr<const Config>& of, int times,
                                        Answer answer) {
    std::vector<std::uint16_t> asked;
    Scene scene(of);
    for (int i = 0; i < times; ++i) {
      scene.client = {};
      scene.worker.upstreams.ports.clear();
      scene.start();
      asked.push_back(scene.worker.upstreams.ports.at(0));
      if (scene.worker.upstreams.connecting()) {
        scene.worker.upstreams.connected();
      }
      answer(scene, scene.worker.upstreams.ports.back());
    }
    return asked;
  }
  // Requests, until one is sent to the sick one.
  static void start_probe(Scene& scene) {
    for (int i = 0; i < 30; ++i) {
      scene.client = {};
      scene.start();
      if (scene.worker.upstreams.ports.back() == kSick) {
        return;
      }
      scene.backend().answer(200, "x");
    }
    ADD_FAILURE() << "nobody probed it";
  }
  static void all_well(Scene& scene, std::uint16_t /*port*/) { scene.backend().answer(200, "x"); }
  static auto count(const std::vector<std::uint16_t>& asked, std::uint16_t port) {
    return std::ranges::count(asked, port);
  }

  static constexpr std::chrono::minutes kAWhile{10};
  EndpointHealthTable table;
  routing::Policy policy{.retries = {.on = {}}};
};

TEST_F(ExchangeHealth, GatewayErrorsInARowEject) {
  const auto served = config();
  const auto asked = ask(served, 60, [](Scene& scene, std::uint16_t port) {
    scene.backend().answer(port == kSick ? 503 : 200, "x");
  });
  EXPECT_EQ(count(asked, kSick), 5);
  EXPECT_TRUE(health(*served, 2).state().is_out());
}

TEST_F(ExchangeHealth, AnApplicationsErrorsDoNotUnlessThePolicySaysSo) {
  const auto fails = [](Scene& scene, std::uint16_t port) {
    scene.backend().answer(port == kSick ? 500 : 200, "x");
  };
  EXPECT_EQ(count(ask(config(), 60, fails), kSick), 20);
  policy.consecutive_5xx = 3;
  EXPECT_EQ(count(ask(config(), 60, fails), kSick), 3);
}

TEST_F(ExchangeHealth, AnswersInBetweenKeepItIn) {
  int turn = 0;
  const auto asked = ask(config(), 60, [&turn](Scene& scene, std::uint16_t port) {
    scene.backend().answer(port == kSick && ++turn % 5 != 0 ? 502 : 200, "x");
  });
  EXPECT_EQ(count(asked, kSick), 20);
}

TEST_F(ExchangeHealth, NothingIsEjectedWhereThatIsOff) {
  policy.outlier_ejection = false;
  const auto served = config();
  const auto asked = ask(served, 60, [](Scene& scene, std::uint16_t port) {
    scene.backend().answer(port == kSick ? 503 : 200, "x");
  });
  EXPECT_EQ(count(asked, kSick), 20);
  EXPECT_FALSE(health(*served, 2).has_counted());
}

TEST_F(ExchangeHealth, AnAnswerIsNotDroppedForATryAtWhoIsEjected) {
  policy.retries.on = {routing::RetryOn::kHttp503};
  const auto served = config();
  eject(*served, {0, 1}, false);
  Scene scene(served);
  scene.start();
  scene.backend().answer(503, "busy");
  EXPECT_EQ(scene.client.status, 503);
  EXPECT_EQ(scene.worker.upstreams.ports, std::vector<std::uint16_t>{kSick});
}

TEST_F(ExchangeHealth, WhoIsLeftAloneComesBackByAnAnswer) {
  const auto alone = config({kSick});
  eject(*alone, {0}, false);
  ask(alone, 1, [](Scene& scene, std::uint16_t /*port*/) { scene.backend().answer(503, "x"); });
  EXPECT_TRUE(health(*alone, 0).state().is_out());
  ask(alone, 1, all_well);
  EXPECT_FALSE(health(*alone, 0).state().is_out());
}

TEST_F(ExchangeHealth, TheOnlyEndpointIsNeverEjected) {
  const auto served = config({kSick});
  const auto asked = ask(
      served, 20, [](Scene& scene, std::uint16_t /*port*/) { scene.backend().answer(503, "x"); });
  EXPECT_EQ(count(asked, kSick), 20);
  EXPECT_FALSE(health(*served, 0).has_counted());
}

TEST_F(ExchangeHealth, AnEndpointThatRefusesIsOutAfterTwo) {
  const auto served = config();
  const auto now = EndpointHealth::Clock::now();
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(health(*served, 2).is_shut(now));
    Scene scene(served);
    scene.worker.upstreams.warm = false;
    scene.start();
    while (scene.worker.upstreams.ports.back() != kSick) {
      scene.worker.upstreams.connected();
      scene.backend().answer(200, "x");
      scene.client = {};
      scene.start();
    }
    scene.worker.upstreams.refuse(error::kConnectRefused);
    EXPECT_EQ(scene.client.status, 502);
  }
  EXPECT_TRUE(health(*served, 2).is_shut(now));
}

TEST_F(ExchangeHealth, AStaleConnectionTellsNothing) {
  policy.retries = {};
  const auto served = config({1, 2});
  for (int i = 0; i < 20; ++i) {
    Scene scene(served);
    scene.start();
    scene.backend().fail(error::kClosedBeforeAnswer);
    scene.worker.upstreams.connected();
    scene.backend().answer(200, "x");
  }
  EXPECT_FALSE(health(*served, 0).has_counted());
  EXPECT_FALSE(health(*served, 1).has_counted());
}

TEST_F(ExchangeHealth, AnEjectedOneIsSteppedOver) {
  const auto served = config();
  eject(*served, {2}, false);
  const auto asked = ask(served, 40, all_well);
  EXPECT_EQ(count(asked, 1), 20);
  EXPECT_EQ(count(asked, 2), 20);
}

TEST_F(ExchangeHealth, ARetryStepsOverItToo) {
  policy.retries = {};
  const auto served = config();
  eject(*served, {2}, false);
  for (int i = 0; i < 4; ++i) {
    Scene scene(served);
    scene.worker.upstreams.warm = false;
    scene.start();
    scene.worker.upstreams.refuse(error::kConnectTimeout);
    EXPECT_EQ(std::ranges::count(scene.worker.upstreams.ports, kSick), 0);
    scene.worker.upstreams.connected();
    scene.backend().answer(200, "x");
  }
}

TEST_F(ExchangeHealth, OneRequestOnAFreshConnectionFindsOutThatItIsBack) {
  const auto served = config();
  eject(*served, {2}, true);
  Scene first(served);
  Scene second(served);
  bool was_probed = false;
  for (int i = 0; i < 3 && !was_probed; ++i) {
    first.client = {};
    first.worker.upstreams.ports.clear();
    first.start();
    was_probed = first.worker.upstreams.ports.at(0) == kSick;
    EXPECT_EQ(first.worker.upstreams.connecting(), was_probed);
    if (!was_probed) {
      first.backend().answer(200, "x");
    }
  }
  ASSERT_TRUE(was_probed);
  // Nobody else meanwhile.
  for (int i = 0; i < 6; ++i) {
    second.client = {};
    second.start();
    EXPECT_NE(second.worker.upstreams.ports.back(), kSick);
    second.backend().answer(200, "x");
  }
  EXPECT_EQ(health(*served, 2).state().phase, Phase::kProbed);
  first.worker.upstreams.connected();
  first.backend().answer(200, "x");
  EXPECT_EQ(health(*served, 2).state().phase, Phase::kServing);
  EXPECT_EQ(count(ask(served, 30, all_well), kSick), 10);
}

TEST_F(ExchangeHealth, AProbeThatFailsIsTriedElsewhereAndEjectsForLonger) {
  policy.retries = {};
  const auto served = config();
  eject(*served, {2}, true);
  const auto level = health(*served, 2).state().level;
  Scene scene(served);
  start_probe(scene);
  scene.worker.upstreams.refuse(error::kConnectRefused);
  EXPECT_NE(scene.worker.upstreams.ports.back(), kSick);
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_EQ(health(*served, 2).state().phase, Phase::kEjected);
  EXPECT_EQ(health(*served, 2).state().level, level + 1);
}

TEST_F(ExchangeHealth, AProbeWhoseClientGoesAwayIsNoFailure) {
  const auto served = config();
  eject(*served, {2}, true);
  const auto level = health(*served, 2).state().level;
  Scene scene(served);
  start_probe(scene);
  scene.worker.upstreams.connected();
  scene.exchange.on_client_error(testing::kClientGone);
  EXPECT_EQ(health(*served, 2).state().phase, Phase::kEjected);
  EXPECT_EQ(health(*served, 2).state().level, level);
  EXPECT_TRUE(health(*served, 2).is_shut(EndpointHealth::Clock::now()));
}

// Of as many requests as there are endpoints, how many failed; -1 where none was counted.
int counted_failures(const std::shared_ptr<const Config>& of, std::uint16_t status) {
  Scene scene(of);
  for (int i = 0; i < 3; ++i) {
    scene.client = {};
    scene.start();
    if (scene.worker.upstreams.connecting()) {
      scene.worker.upstreams.connected();
    }
    scene.backend().answer(status, "x");
  }
  const auto tallies = scene.worker.context.tallies.take();
  int failures = tallies.empty() ? -1 : 0;
  std::uint32_t tries = 0;
  for (const auto& tally : tallies) {
    failures += static_cast<int>(tally.failures);
    tries += tally.tries;
  }
  EXPECT_TRUE(tallies.empty() || tries == 3);
  return failures;
}

TEST_F(ExchangeHealth, EveryTryIsCountedAndWhetherItFailed) {
  EXPECT_EQ(counted_failures(config(), 200), 0);
  EXPECT_EQ(counted_failures(config(), 404), 0);
  EXPECT_EQ(counted_failures(config(), 500), 3);
  EXPECT_EQ(counted_failures(config(), 503), 3);
}

TEST_F(ExchangeHealth, NothingIsCountedWhereThatIsOffOrThereIsNothingToCompare) {
  EXPECT_EQ(counted_failures(config({1}), 500), -1);
  policy.outlier_success_rate = false;
  EXPECT_EQ(counted_failures(config(), 500), -1);
  policy = {.outlier_ejection = false};
  EXPECT_EQ(counted_failures(config(), 500), -1);
}

TEST_F(ExchangeHealth, WhereNotChanceChoosesAnApplicationsErrorsAreNotTheEndpoints) {
  const auto sticky = ConfigBuilder()
                          .health(table)
                          .affinity({})
                          .backend("default/web:80", {1, 2, kSick})
                          .route("shop.example.com", "/", "default/web:80", policy)
                          .build();
  EXPECT_EQ(counted_failures(sticky, 500), 0);
  EXPECT_EQ(counted_failures(sticky, 502), 3);
}

TEST_F(ExchangeHealth, WhereAllAreOutAllAreTried) {
  const auto served = config();
  eject(*served, {0, 1, 2}, false);
  const auto asked = ask(
      served, 30, [](Scene& scene, std::uint16_t /*port*/) { scene.backend().answer(503, "x"); });
  for (const std::uint16_t port : {std::uint16_t{1}, std::uint16_t{2}, kSick}) {
    EXPECT_EQ(count(asked, port), 10);
  }
}

TEST_F(ExchangeHealth, WhereAllAreOutWhoAnswersIsBackAtOnce) {
  const auto served = config();
  eject(*served, {0, 1, 2}, false);
  ask(served, 1, all_well);
  int out = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    out += health(*served, i).state().is_out() ? 1 : 0;
  }
  EXPECT_EQ(out, 2);
}

}  // namespace
}  // namespace portico::exchange
