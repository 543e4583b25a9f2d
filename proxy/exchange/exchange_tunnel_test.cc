#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/exchange/exchange.h"
#include "proxy/exchange/testing/scene.h"

namespace portico::exchange {
namespace {

using testing::bytes_of;
using testing::ConfigBuilder;
using testing::kClientGone;
using testing::Scene;
using testing::shop;
namespace error = routing::upstream_error;

// ---- 1xx

TEST(Exchange, PassesInterimAnswersButFor100) {
  Scene scene;
  scene.start();
  scene.backend().answer_head(100, http::Framing::kNone);
  scene.backend().answer_head(103, http::Framing::kNone);
  EXPECT_EQ(scene.client.interims, "103 ");
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
}

TEST(Exchange, SparesHttp10ClientsInterimAnswers) {
  Scene scene;
  scene.head.version_minor = 0;
  scene.start();
  scene.backend().answer_head(103, http::Framing::kNone);
  EXPECT_EQ(scene.client.interims, "");
}

TEST(Exchange, DoesNotTryAgainAfterAnInterimAnswer) {
  Scene scene;
  scene.start();
  scene.backend().answer_head(103, http::Framing::kNone);
  scene.backend().fail(error::kClosedBeforeAnswer);
  EXPECT_EQ(scene.client.status, 502);
  scene.expect_finished();
}

// ---- tunnels

TEST(Exchange, OpensATunnelThatWasAskedFor) {
  Scene scene;
  scene.start_tunnel();
  EXPECT_EQ(scene.backend().upgrade, "websocket");
  EXPECT_EQ(scene.client.status, 101);
  EXPECT_EQ(scene.client.upgrade, "websocket");
  EXPECT_TRUE(scene.client.credit);
  scene.exchange.on_request_body(bytes_of("ping"));
  scene.backend().answer_body("pong");
  EXPECT_EQ(scene.backend().body, "ping");
  EXPECT_EQ(scene.client.body, "pong");
  EXPECT_EQ(scene.client.finishes, 0);
}

TEST(Exchange, LetsTheEndpointChooseAmongSeveralProtocols) {
  Scene scene;
  scene.websocket();
  scene.head.upgrade = "chat/2, websocket";
  scene.start();
  scene.backend().answer_head(101, http::Framing::kNone, 0, "WebSocket");
  EXPECT_EQ(scene.client.status, 101);
}

TEST(Exchange, RefusesASwitchThatNobodyAskedFor) {
  Scene unasked;
  unasked.start();
  unasked.backend().answer_head(101, http::Framing::kNone, 0, "websocket");
  EXPECT_EQ(unasked.client.status, 502);
  unasked.expect_finished();

  Scene other;
  other.websocket();
  other.start();
  other.backend().answer_head(101, http::Framing::kNone, 0, "h2c");
  EXPECT_EQ(other.client.status, 502);

  Scene nameless;
  nameless.websocket();
  nameless.start();
  nameless.backend().answer_head(101, http::Framing::kNone);
  EXPECT_EQ(nameless.client.status, 502);
}

TEST(Exchange, KeepsATunnelHalfOpenWhicheverSideEndsFirst) {
  Scene client_first;
  client_first.start_tunnel();
  client_first.exchange.on_request_end(nullptr);
  EXPECT_TRUE(client_first.backend().ended);
  EXPECT_FALSE(client_first.client.ended);
  client_first.backend().answer_body("late");
  client_first.backend().answer_end();
  EXPECT_EQ(client_first.client.body, "late");
  EXPECT_TRUE(client_first.client.ended);
  EXPECT_EQ(client_first.record().status, 101);
  client_first.expect_finished();

  Scene endpoint_first;
  endpoint_first.start_tunnel();
  endpoint_first.backend().answer_end();
  EXPECT_TRUE(endpoint_first.client.ended);
  endpoint_first.exchange.on_request_body(bytes_of("late"));
  endpoint_first.exchange.on_request_end(nullptr);
  EXPECT_EQ(endpoint_first.backend().body, "late");
  EXPECT_TRUE(endpoint_first.backend().ended);
  endpoint_first.expect_finished();
}

TEST(Exchange, HasNoBodyLimitInATunnel) {
  Scene scene(shop({.max_body_bytes = 3}));
  scene.start_tunnel();
  scene.exchange.on_request_body(bytes_of("more than three"));
  EXPECT_EQ(scene.client.finishes, 0);
}

TEST(Exchange, CutsATunnelThatIsIdleForTooLong) {
  Scene scene;
  scene.start_tunnel();
  scene.worker.pass(std::chrono::seconds(61));
  EXPECT_TRUE(scene.client.aborted);
  EXPECT_EQ(scene.record().status, 101);
  scene.expect_finished();
}

// ---- changes of the Config

TEST(Exchange, LetsGoOfItsConfigAndKeepsItsRouteWhileRelaying) {
  auto config = shop({.read_timeout = std::chrono::seconds(7)});
  const std::weak_ptr<const Config> old = config;
  Scene scene(std::move(config));
  scene.start();
  scene.worker.adopt(shop());
  scene.worker.run_posted();
  EXPECT_TRUE(old.expired());
  scene.backend().answer_head(200);
  scene.worker.pass(std::chrono::seconds(8));  // by its own route's policy
  EXPECT_TRUE(scene.client.aborted);
  EXPECT_TRUE(scene.record().has_route);
}

TEST(Exchange, KeepsItsConfigUntilItIsSent) {
  auto config = shop();
  const std::weak_ptr<const Config> old = config;
  Scene scene(std::move(config));
  scene.worker.upstreams.warm = false;
  scene.start();
  scene.worker.adopt(ConfigBuilder().build());
  scene.worker.run_posted();
  EXPECT_FALSE(old.expired());
  scene.worker.upstreams.refuse(error::kConnectRefused);
  scene.worker.upstreams.connected();
  scene.worker.run_posted();
  EXPECT_TRUE(old.expired()) << "held until the next change";
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  scene.expect_finished();
}

TEST(Exchange, TriesAStaleConnectionAgainAfterItLetGoOfItsConfig) {
  Scene scene;
  scene.start();
  scene.worker.adopt(ConfigBuilder().build());
  scene.backend().fail(error::kClosedBeforeAnswer);
  scene.worker.upstreams.connected();
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
}

TEST(Exchange, GivesUpOnAnotherEndpointAfterItLetGoOfItsConfig) {
  Scene scene;
  scene.start();
  scene.worker.adopt(ConfigBuilder().build());
  scene.backend().fail(error::kClosedBeforeAnswer);
  scene.worker.upstreams.refuse(error::kConnectRefused);
  EXPECT_EQ(scene.client.status, 502);
  scene.expect_finished();
}

// ---- a failure at every step of a script

using Step = std::function<void(Scene&)>;
struct Script {
  std::string name;
  std::vector<Step> steps;
};

const std::vector<Script>& scripts() {
  static const std::vector<Script> kScripts{
      {"Upload",
       {[](Scene& s) {
          s.worker.upstreams.warm = false;
          s.post(http::Framing::kChunked);
          s.start();
        },
        [](Scene& s) { s.worker.upstreams.refuse(error::kConnectRefused); },
        [](Scene& s) { s.worker.upstreams.connected(); },
        [](Scene& s) { s.exchange.on_request_body(bytes_of("ab")); },
        [](Scene& s) { s.exchange.on_request_flush(); },
        [](Scene& s) { s.backend().answer_head(103, http::Framing::kNone); },
        [](Scene& s) { s.exchange.on_request_end(nullptr); },
        [](Scene& s) { s.backend().answer_head(200); },
        [](Scene& s) { s.backend().answer_body("c"); },
        [](Scene& s) { s.backend().answer_flush(); }, [](Scene& s) { s.backend().answer_end(); }}},
      {"Tunnel",
       {[](Scene& s) { s.start_tunnel(); },
        [](Scene& s) { s.exchange.on_request_body(bytes_of("a")); },
        [](Scene& s) { s.backend().answer_body("b"); }, [](Scene& s) { s.backend().answer_end(); },
        [](Scene& s) { s.exchange.on_request_end(nullptr); }}},
  };
  return kScripts;
}

const std::vector<std::pair<std::string, Step>>& failures() {
  static const std::vector<std::pair<std::string, Step>> kFailures{
      {"client leaves", [](Scene& s) { s.exchange.on_client_error(kClientGone); }},
      {"client is slow",
       [](Scene& s) {
         s.exchange.on_client_error({.status = 408, .side = routing::ErrorSide::kDownstream});
       }},
      {"endpoint closes",
       [](Scene& s) {
         if (!s.worker.upstreams.streams.empty()) {
           s.backend().fail(error::kClosedBeforeAnswer);
         }
       }},
      {"endpoint answers badly",
       [](Scene& s) {
         if (!s.worker.upstreams.streams.empty()) {
           s.backend().fail(error::kBadAnswer);
         }
       }},
      {"time passes", [](Scene& s) { s.worker.pass(std::chrono::seconds(200)); }},
      {"the Config changes", [](Scene& s) { s.worker.adopt(ConfigBuilder().build()); }},
  };
  return kFailures;
}

TEST(Exchange, FinishesExactlyOnceWhateverFailsWherever) {
  for (const auto& script : scripts()) {
    for (const auto& [failure, inject] : failures()) {
      for (std::size_t at = 0; at < script.steps.size(); ++at) {
        SCOPED_TRACE(script.name + ": " + failure + " after step " + std::to_string(at));
        Scene scene;
        // A step is not taken once the exchange is over, as no neighbour would take it.
        for (std::size_t i = 0; i < script.steps.size() && scene.client.finishes == 0; ++i) {
          script.steps[i](scene);
          if (i == at && scene.client.finishes == 0) {
            inject(scene);
          }
        }
        if (scene.client.finishes == 0) {
          scene.exchange.on_client_error(kClientGone);
        }
        scene.expect_finished();
        EXPECT_TRUE(scene.client.ended || scene.client.aborted);
      }
    }
  }
}

}  // namespace
}  // namespace portico::exchange
