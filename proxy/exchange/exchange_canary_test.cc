#include <regex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/exchange/canary_choice.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/testing/scene.h"
#include "routing/testing/count_allocations.h"

namespace portico::exchange {
namespace {

using routing::CanaryRule;
using testing::ConfigBuilder;
using ::testing::ElementsAre;
using testing::Scene;
namespace error = routing::upstream_error;

constexpr const char* kHost = "shop.example.com";
constexpr const char* kMain = "default/web:80";
constexpr const char* kCanary = "default/next:80";
constexpr std::uint16_t kMainPort = 8001;
constexpr std::uint16_t kCanaryPort = 9001;

const CanaryRule kByHeader{.header = "X-Canary"};
const CanaryRule kAll{.weight = 100};

ConfigBuilder shop(const CanaryRule& rule, const routing::Policy& policy = {}) {
  ConfigBuilder builder;
  builder.backend(kMain, {kMainPort})
      .backend(kCanary, {kCanaryPort})
      .route(kHost, "/", kMain, policy)
      .canary(kHost, rule, kCanary);
  return builder;
}

// The port that a request is sent to; 0: none.
std::uint16_t ask(Scene& scene, std::string_view header = {}, std::string_view cookie = {}) {
  scene.client = {};
  scene.worker.upstreams.ports.clear();
  scene.get("/");
  if (!header.empty()) {
    scene.field("x-canary", header);
  }
  if (!cookie.empty()) {
    scene.field("Cookie", cookie);
  }
  scene.start();
  if (scene.worker.upstreams.ports.empty()) {
    return 0;
  }
  scene.backend().answer(200, "x");
  return scene.worker.upstreams.ports.back();
}

TEST(ExchangeCanary, TheHeaderChoosesInAnySpellingOfItsName) {
  Scene scene(shop(kByHeader).build());
  EXPECT_EQ(ask(scene, "always"), kCanaryPort);
  EXPECT_EQ(ask(scene, "never"), kMainPort);
  EXPECT_EQ(ask(scene, "perhaps"), kMainPort);
  EXPECT_EQ(ask(scene), kMainPort);
}

TEST(ExchangeCanary, AHeaderThatIsKnownChoosesToo) {
  Scene scene(shop({.header = "user-agent", .header_value = "beta"}).build());
  scene.field("User-Agent", "beta");
  scene.start();
  EXPECT_THAT(scene.worker.upstreams.ports, ElementsAre(kCanaryPort));
}

TEST(ExchangeCanary, TheCookieChoosesAmongOthers) {
  Scene scene(shop({.cookie = "canary"}).build());
  EXPECT_EQ(ask(scene, {}, "a=b; canary=always"), kCanaryPort);
  EXPECT_EQ(ask(scene, {}, "canary=never; a=always"), kMainPort);
  EXPECT_EQ(ask(scene, {}, "mycanary=always"), kMainPort);
}

TEST(ExchangeCanary, TheHeaderComesBeforeTheCookieAndThatBeforeTheWeight) {
  Scene scene(shop({.header = "X-Canary", .cookie = "canary", .weight = 100}).build());
  EXPECT_EQ(ask(scene, "never", "canary=always"), kMainPort);
  EXPECT_EQ(ask(scene, "perhaps", "canary=never"), kMainPort);
  EXPECT_EQ(ask(scene, "perhaps", "canary=perhaps"), kCanaryPort);
}

TEST(ExchangeCanary, TheRecordNamesTheBackendThatServed) {
  Scene scene(shop(kAll).build());
  EXPECT_EQ(ask(scene), kCanaryPort);
  EXPECT_EQ(scene.record().backend, kCanary);
}

TEST(ExchangeCanary, EveryTryOfARequestIsTheCanarys) {
  auto config = ConfigBuilder()
                    .backend(kMain, {8001, 8002, 8003})
                    .backend(kCanary, {9001, 9002, 9003})
                    .route(kHost, "/", kMain)
                    .canary(kHost, {.weight = 50}, kCanary)
                    .build();
  for (int i = 0; i < 20; ++i) {
    Scene scene(config);
    scene.start();
    scene.backend().fail(error::kHeadTimeout);
    scene.backend().fail(error::kHeadTimeout);
    const auto& ports = scene.worker.upstreams.ports;
    ASSERT_EQ(ports.size(), 3U);
    for (const auto port : ports) {
      EXPECT_EQ(port > 9000, ports.front() > 9000);
    }
  }
}

TEST(ExchangeCanary, ThatCantServeLeavesAllToTheMainBackend) {
  const auto missing = ConfigBuilder()
                           .backend(kMain, {kMainPort})
                           .backend(kCanary, {kCanaryPort}, "no such Service")
                           .route(kHost, "/", kMain)
                           .canary(kHost, kAll, kCanary)
                           .build();
  const auto empty = ConfigBuilder()
                         .backend(kMain, {kMainPort})
                         .backend(kCanary, {})
                         .route(kHost, "/", kMain)
                         .canary(kHost, kAll, kCanary)
                         .build();
  for (const auto& config : {missing, empty}) {
    Scene scene(config);
    EXPECT_EQ(ask(scene), kMainPort);
  }
}

TEST(ExchangeCanary, AGuardOfTheMainRouteHoldsForIt) {
  Scene scene(shop(kAll, {.denied_because = "a guard"}).build());
  EXPECT_EQ(ask(scene), 0);
  EXPECT_EQ(scene.client.status, 503);
}

TEST(ExchangeCanary, ABodyIsBoundedAsTheMainRoutes) {
  Scene scene(shop(kAll, {.max_body_bytes = 10}).build());
  scene.post(http::Framing::kLength, 11);
  scene.start();
  EXPECT_EQ(scene.client.status, 413);
}

// ---- sessions

ConfigBuilder sticky_shop(const CanaryRule& rule) {
  ConfigBuilder builder;
  builder.affinity({})
      .backend(kMain, {kMainPort})
      .backend(kCanary, {kCanaryPort})
      .route(kHost, "/", kMain)
      .canary(kHost, rule, kCanary);
  return builder;
}

std::string session_of(const Scene& scene) {
  std::smatch match;
  return std::regex_search(scene.client.fields, match,
                           std::regex("Set-Cookie: (\\w+=[0-9a-f]{16}\\|[0-9a-f]{16});"))
             ? match[1].str()
             : "";
}

TEST(ExchangeCanary, SessionsStayWhereTheyBegan) {
  Scene scene(sticky_shop(kByHeader).build());
  EXPECT_EQ(ask(scene, "always"), kCanaryPort);
  const auto at_canary = session_of(scene);
  ASSERT_NE(at_canary, "");
  EXPECT_EQ(ask(scene), kMainPort);
  const auto at_main = session_of(scene);
  ASSERT_NE(at_main, "");
  EXPECT_EQ(ask(scene, "never", at_canary), kCanaryPort);
  EXPECT_EQ(session_of(scene), "");
  EXPECT_EQ(ask(scene, "always", at_main), kMainPort);
  EXPECT_EQ(session_of(scene), "");
}

TEST(ExchangeCanary, SessionsStayWhateverBecomesOfTheWeight) {
  Scene scene(sticky_shop(kAll).build());
  EXPECT_EQ(ask(scene), kCanaryPort);
  const auto session = session_of(scene);
  scene.worker.adopt(sticky_shop({}).build());
  EXPECT_EQ(ask(scene, {}, session), kCanaryPort);
  EXPECT_EQ(ask(scene), kMainPort);
}

TEST(ExchangeCanary, LegacyDecidesAboutEachRequest) {
  Scene scene(sticky_shop({.header = "X-Canary", .heeds_affinity = false}).build());
  EXPECT_EQ(ask(scene, "always"), kCanaryPort);
  const auto session = session_of(scene);
  EXPECT_EQ(ask(scene, {}, session), kMainPort);
  EXPECT_EQ(ask(scene, "always", session_of(scene)), kCanaryPort);
}

TEST(ExchangeCanary, ASessionOfACanaryThatIsGoneGoesToTheMainBackend) {
  Scene scene(sticky_shop(kAll).build());
  EXPECT_EQ(ask(scene), kCanaryPort);
  const auto session = session_of(scene);
  scene.worker.adopt(
      ConfigBuilder().affinity({}).backend(kMain, {kMainPort}).route(kHost, "/", kMain).build());
  EXPECT_EQ(ask(scene, {}, session), kMainPort);
  EXPECT_NE(session_of(scene), "");
}

TEST(ExchangeCanary, ChoosingAllocatesNothing) {
  const auto config = sticky_shop({.header = "X-Canary", .cookie = "canary", .weight = 10}).build();
  const auto* main = config->routes.match({.host = kHost, .path = "/"}).route;
  http::FieldBlock fields;
  fields.add(http::FieldId::kOther, "X-Canary", "perhaps");
  fields.add(http::FieldId::kCookie, "Cookie", "theme=dark; canary=yes");
  routing::Lots lots(7);
  EXPECT_EQ(routing::testing::count_allocations([&] {
              for (int i = 0; i < 100; ++i) {
                (void)choose_canary(*main, fields, *config, false, lots);
              }
            }),
            0U);
}

// ---- changes meanwhile

TEST(ExchangeCanary, ATryAfterAChangeIsTheCanarysWhereItIsStillThere) {
  Scene scene(shop(kAll).build());
  scene.start();
  scene.worker.adopt(ConfigBuilder()
                         .backend(kMain, {kMainPort})
                         .backend(kCanary, {9002})
                         .route(kHost, "/", kMain)
                         .canary(kHost, {}, kCanary)
                         .build());
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_THAT(scene.worker.upstreams.ports, ElementsAre(kCanaryPort, 9002));
  scene.backend().answer(200, "x");
  scene.expect_finished();
}

TEST(ExchangeCanary, ATryAfterItWentIsTheMainBackends) {
  Scene scene(shop(kAll).build());
  scene.start();
  scene.worker.adopt(ConfigBuilder().backend(kMain, {kMainPort}).route(kHost, "/", kMain).build());
  scene.backend().fail(error::kHeadTimeout);
  EXPECT_THAT(scene.worker.upstreams.ports, ElementsAre(kCanaryPort, kMainPort));
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_EQ(scene.record().backend, kMain);
  scene.expect_finished();
}

TEST(ExchangeCanary, AnAnswerThatComesAfterItWentIsHandedOn) {
  Scene scene(shop(kAll).build());
  scene.start();
  scene.worker.adopt(ConfigBuilder().backend(kMain, {kMainPort}).route(kHost, "/", kMain).build());
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.record().backend, kCanary);
  scene.expect_finished();
}

}  // namespace
}  // namespace portico::exchange
