#include <regex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/exchange/exchange.h"
#include "proxy/exchange/testing/scene.h"

namespace portico::exchange {
namespace {

using testing::ConfigBuilder;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Scene;

std::shared_ptr<const Config> sticky_shop(const routing::AffinitySpec& affinity = {}) {
  return ConfigBuilder()
      .affinity(affinity)
      .backend("default/web:80", {8001, 8002, 8003})
      .route("shop.example.com", "/", "default/web:80")
      .build();
}

// "name=value" of the answer's Set-Cookie; "" where it has none.
std::string cookie_of(const Scene& scene) {
  std::smatch match;
  return std::regex_search(scene.client.fields, match,
                           std::regex("Set-Cookie: (\\w+=[0-9a-f]{16}\\|[0-9a-f]{16});"))
             ? match[1].str()
             : "";
}

// The cookie of a session that has begun, and the port it is kept at.
struct Session {
  std::string cookie;
  std::uint16_t port = 0;
};
Session begin(Scene& scene) {
  scene.start();
  scene.backend().answer(200, "x");
  const Session session{.cookie = cookie_of(scene), .port = scene.worker.upstreams.ports.back()};
  scene.client = {};
  scene.get("/");
  scene.worker.upstreams.ports.clear();
  return session;
}

TEST(ExchangeAffinity, ANewSessionIsGivenACookieBesideTheBackends) {
  Scene scene(sticky_shop());
  scene.start();
  scene.backend().answer_head(200, http::Framing::kNone, 0, {}, {{"Set-Cookie", "own=1"}});
  EXPECT_NE(cookie_of(scene), "");
  EXPECT_THAT(scene.client.fields, HasSubstr("; Path=/; HttpOnly\n"));
  EXPECT_THAT(scene.client.fields, HasSubstr("Set-Cookie: own=1\n"));
}

TEST(ExchangeAffinity, ASessionStaysAndIsGivenNoOtherCookie) {
  Scene scene(sticky_shop());
  const auto session = begin(scene);
  for (int i = 0; i < 5; ++i) {
    scene.client = {};
    scene.get("/");
    scene.field("Cookie", "a=b; " + session.cookie);
    scene.start();
    scene.backend().answer(200, "x");
    EXPECT_EQ(cookie_of(scene), "");
    EXPECT_EQ(scene.worker.upstreams.ports.back(), session.port);
  }
}

TEST(ExchangeAffinity, TheCookieMayStandInAnyOfSeveralFields) {
  Scene scene(sticky_shop());
  const auto session = begin(scene);
  scene.field("Cookie", "a=b");
  scene.field("Cookie", session.cookie);
  scene.start();
  scene.backend().answer(200, "x");
  EXPECT_EQ(cookie_of(scene), "");
  EXPECT_EQ(scene.worker.upstreams.ports.back(), session.port);
}

TEST(ExchangeAffinity, ANewSessionIsKeptWhereItsLastTryWent) {
  Scene scene(sticky_shop());
  scene.worker.upstreams.warm = false;
  scene.start();
  scene.worker.upstreams.refuse(routing::upstream_error::kConnectRefused);
  scene.worker.upstreams.connected();
  const auto port = scene.worker.upstreams.ports.back();
  EXPECT_NE(port, scene.worker.upstreams.ports.front());
  scene.backend().answer(200, "x");
  const auto cookie = cookie_of(scene);
  EXPECT_NE(cookie, "");

  scene.client = {};
  scene.get("/");
  scene.field("Cookie", cookie);
  scene.start();
  EXPECT_EQ(scene.worker.upstreams.ports.back(), port);
}

TEST(ExchangeAffinity, AFailedTryLeavesTheCookieUnlessToldOtherwise) {
  for (const bool changes : {false, true}) {
    Scene scene(sticky_shop({.change_on_failure = changes}));
    const auto session = begin(scene);
    scene.worker.upstreams.warm = false;
    scene.field("Cookie", session.cookie);
    scene.start();
    scene.worker.upstreams.refuse(routing::upstream_error::kConnectRefused);
    scene.worker.upstreams.connected();
    EXPECT_NE(scene.worker.upstreams.ports.back(), session.port);
    scene.backend().answer(200, "x");
    EXPECT_EQ(cookie_of(scene) != "", changes);
  }
}

TEST(ExchangeAffinity, AnErrorPageSetsNoCookie) {
  Scene scene(sticky_shop());
  scene.start();
  scene.backend().fail(routing::upstream_error::kBadAnswer);
  EXPECT_EQ(scene.client.status, 502);
  EXPECT_THAT(scene.client.fields, Not(HasSubstr("Set-Cookie")));
}

TEST(ExchangeAffinity, ATunnelsAnswerSetsTheCookie) {
  Scene scene(sticky_shop());
  scene.start_tunnel();
  EXPECT_EQ(scene.client.status, 101);
  EXPECT_NE(cookie_of(scene), "");
}

TEST(ExchangeAffinity, TheNextRequestOnTheConnectionBeginsAnew) {
  Scene scene(sticky_shop());
  (void)begin(scene);
  scene.head.authority = "unknown.example.com";
  scene.start();
  EXPECT_EQ(scene.client.status, 404);
  EXPECT_THAT(scene.client.fields, Not(HasSubstr("Set-Cookie")));
}

TEST(ExchangeAffinity, WhereNoneIsAskedThereIsNone) {
  Scene scene;
  scene.field("Cookie", "INGRESSCOOKIE=0123456789abcdef|0123456789abcdef");
  scene.start();
  scene.backend().answer(200, "x");
  EXPECT_THAT(scene.client.fields, Not(HasSubstr("Set-Cookie")));
}

}  // namespace
}  // namespace portico::exchange
