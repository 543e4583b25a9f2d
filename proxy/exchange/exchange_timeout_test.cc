// The time that a whole request may take.
#include <gtest/gtest.h>

#include "proxy/exchange/endpoint_health.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/testing/scene.h"

namespace portico::exchange {
namespace {

using namespace std::chrono_literals;
using testing::bytes_of;
using testing::ConfigBuilder;
using testing::Scene;
using testing::shop;
namespace error = routing::upstream_error;

constexpr std::string_view kReason = "the request took too long as a whole";

TEST(RequestTimeout, Answers504WhereNoAnswerHasBegun) {
  Scene scene(shop({.request_timeout = 10s}));
  scene.start();
  scene.worker.pass(11s);
  EXPECT_EQ(scene.client.status, 504);
  EXPECT_EQ(scene.record().reason, kReason);
  scene.expect_finished();
}

TEST(RequestTimeout, CutsAnAnswerThatHasBegun) {
  Scene scene(shop({.request_timeout = 10s}));
  scene.start();
  scene.backend().answer_head(200, http::Framing::kLength, 10);
  scene.backend().answer_body("abc");
  scene.worker.pass(11s);
  EXPECT_TRUE(scene.client.aborted);
  EXPECT_FALSE(scene.client.ended);
  EXPECT_EQ(scene.record().status, 200);
  EXPECT_EQ(scene.record().reason, kReason);
  scene.expect_finished();
}

TEST(RequestTimeout, BoundsAllTriesTogether) {
  Scene scene(shop({.request_timeout = 30s}));
  scene.worker.upstreams.warm = false;
  scene.start();
  scene.worker.upstreams.refuse(error::kConnectRefused);
  scene.worker.upstreams.connected();
  ASSERT_EQ(scene.worker.upstreams.ports.size(), 2U);
  scene.worker.pass(31s);
  EXPECT_EQ(scene.client.status, 504);
  EXPECT_EQ(scene.record().reason, kReason);
  EXPECT_EQ(scene.record().attempts, 2);
  scene.expect_finished();
}

TEST(RequestTimeout, BoundsWaitingForAConnection) {
  Scene scene(shop({.connect_timeout = 60s, .request_timeout = 10s}));
  scene.worker.upstreams.warm = false;
  scene.start();
  scene.worker.pass(11s);
  EXPECT_EQ(scene.client.status, 504);
  scene.expect_finished();
}

TEST(RequestTimeout, BoundsAnUploadAndAClientThatDoesNotRead) {
  Scene upload(shop({.request_timeout = 10s}));
  upload.post(http::Framing::kChunked);
  upload.start();
  upload.exchange.on_request_body(bytes_of("a"));
  upload.worker.pass(11s);
  EXPECT_EQ(upload.client.status, 504);
  EXPECT_FALSE(upload.backend().ended) << "the endpoint must not take it as whole";
  upload.expect_finished();

  Scene download(shop({.request_timeout = 10s}));
  download.start();
  download.client.slow = true;
  download.backend().answer_head(200);
  download.backend().answer_body("a");
  download.worker.pass(11s);
  EXPECT_TRUE(download.client.aborted);
  download.expect_finished();
}

TEST(RequestTimeout, DoesNotBoundATunnel) {
  Scene scene(shop({.read_timeout = 60s, .request_timeout = 10s}));
  scene.start_tunnel();
  scene.worker.pass(11s);
  EXPECT_FALSE(scene.client.aborted);
  scene.worker.pass(61s);
  EXPECT_TRUE(scene.client.aborted);
  scene.expect_finished();
}

TEST(RequestTimeout, EndsWithItsRequest) {
  Scene scene(shop({.request_timeout = 10s}));
  scene.start();
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.finishes, 1);
  scene.client = {};
  scene.worker.adopt(shop());
  scene.worker.recorder.records.clear();
  scene.start();
  scene.worker.pass(11s);  // the second one's route asks for none
  EXPECT_EQ(scene.client.status, 0);
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  scene.expect_finished();
}

// Real time, since an endpoint's part of it is measured.
struct Blame : ::testing::Test {
  EndpointHealthTable table;  // before the config, which takes from it
  std::shared_ptr<const Config> config =
      ConfigBuilder()
          .health(table)
          .backend("default/web:80", {1, 2})
          .route("shop.example.com", "/", "default/web:80", {.request_timeout = 500ms})
          .build();
  static void await_answer(Scene& scene) {
    EXPECT_TRUE(scene.worker.loop.run_until([&scene] { return scene.client.finishes != 0; }, 60s));
    EXPECT_EQ(scene.client.status, 504);
  }
  bool is_anybody_blamed() {
    const auto& endpoints = config->backends.find(0)->endpoints;
    return endpoints.at(0).health->has_counted() || endpoints.at(1).health->has_counted();
  }
};

TEST_F(Blame, IsTheEndpointsThatHadTheRequestAndSaidNothing) {
  Scene scene(config);
  scene.start();
  await_answer(scene);
  EXPECT_TRUE(is_anybody_blamed());
}

TEST_F(Blame, IsNobodysWhereTheClientHasNotSentItAll) {
  Scene scene(config);
  scene.post(http::Framing::kChunked);
  scene.start();
  scene.exchange.on_request_body(bytes_of("a"));
  await_answer(scene);
  EXPECT_FALSE(is_anybody_blamed());
}

}  // namespace
}  // namespace portico::exchange
