// The limits that the ConfigMap sets for clients' connections, at both versions of HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/downstream/testing/h2_scene.h"
#include "proxy/downstream/testing/scene.h"

namespace portico::downstream {
namespace {

using namespace std::chrono_literals;
using testing::H2Scene;
using ::testing::HasSubstr;
using testing::kGet;
using ::testing::Not;
using testing::ok;
using testing::Scene;
using ::testing::StartsWith;

// As an adopted Config does it.
void set(Scene& scene, const routing::ClientSettings& clients) {
  auto settings = std::make_shared<routing::Settings>();
  settings->clients = clients;
  exchange::Config config;
  config.settings = settings;
  scene.worker.adopt(std::make_shared<const exchange::Config>(config));
}

// ---- HTTP/1

TEST(ClientLimitsH1, AHeadHasItsTime) {
  Scene scene;
  scene.worker.context.clients.head_timeout = 5s;
  scene.receive("GET / HT");
  scene.pass(2);
  EXPECT_EQ(scene.wire.take(), "");
  scene.pass(6);
  EXPECT_THAT(scene.wire.take(), StartsWith("HTTP/1.1 408 "));
}

TEST(ClientLimitsH1, APieceOfABodyHasItsTime) {
  Scene scene;
  scene.worker.context.clients.body_timeout = 5s;
  scene.receive("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nab");
  scene.pass(6);
  EXPECT_THAT(scene.wire.take(), StartsWith("HTTP/1.1 408 "));
}

TEST(ClientLimitsH1, AnIdleConnectionHasItsTime) {
  Scene scene;
  scene.worker.context.clients.idle_timeout = 5s;
  scene.receive(kGet);
  scene.answer("x");
  scene.pass(2);
  EXPECT_FALSE(scene.closed);
  scene.pass(6);
  EXPECT_TRUE(scene.closed);
}

TEST(ClientLimitsH1, TheLastRequestOfAConnectionIsToldSo) {
  Scene scene;
  scene.worker.context.clients.requests = 2;
  scene.receive(std::string(kGet) + std::string(kGet) + std::string(kGet));
  scene.answer("1");
  EXPECT_EQ(scene.wire.take(), ok("1"));
  EXPECT_FALSE(scene.wire.finished);
  scene.answer("2");
  EXPECT_EQ(scene.wire.take(), ok("2", "Connection: close\r\n"));
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_FALSE(scene.has_request());
}

TEST(ClientLimitsH1, WithoutKeepAliveAConnectionServesOneRequest) {
  Scene scene;
  scene.worker.context.clients.idle_timeout = 0s;
  scene.receive("GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n");
  scene.answer("x");
  EXPECT_EQ(scene.wire.take(), ok("x", "Connection: close\r\n"));
  EXPECT_TRUE(scene.wire.finished);
}

TEST(ClientLimitsH1, AChangeHoldsForConnectionsThatAreOpen) {
  Scene scene;
  scene.receive(kGet);
  set(scene, {.idle_timeout = 0s});
  scene.answer("x");
  EXPECT_EQ(scene.wire.take(), ok("x", "Connection: close\r\n"));
}

TEST(ClientLimitsH1, AConnectionThatWasPromisedMoreIsClosedOnceKeepAliveIsOff) {
  Scene scene;
  scene.receive(kGet);
  scene.answer_head(200, http::Framing::kLength, 1);
  set(scene, {.idle_timeout = 0s});
  scene.backend().answer_body("x");
  scene.backend().answer_end();
  scene.turn();
  EXPECT_EQ(scene.wire.take(), ok("x"));
  scene.pass(1);
  EXPECT_TRUE(scene.closed);
}

TEST(ClientLimitsH1, TakesNoPrefaceWhereHttp2IsOff) {
  Scene scene;
  scene.worker.context.clients.http2 = false;
  scene.receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_EQ(scene.h2_transport, nullptr);
  EXPECT_THAT(scene.wire.take(), StartsWith("HTTP/1.1 "));
  EXPECT_TRUE(scene.wire.finished);
}

// ---- HTTP/2

TEST(ClientLimitsH2, AHeadHasItsTime) {
  H2Scene scene;
  scene.worker.context.clients.head_timeout = 5s;
  scene.client_output();
  scene.wire.receive(std::string("\0\0\1\1\0\0\0\0\1\x82", 10));  // HEADERS that do not end
  scene.turn();
  scene.pass(6);
  ASSERT_EQ(scene.goaways.size(), 1U);
  EXPECT_EQ(scene.goaways[0].error, http::H2Error::kEnhanceYourCalm);
}

TEST(ClientLimitsH2, APieceOfABodyHasItsTime) {
  H2Scene scene;
  scene.worker.context.clients.body_timeout = 5s;
  auto& stream = scene.post("part", false);
  scene.turn();
  scene.pass(6);
  EXPECT_EQ(stream.status, "408");
}

TEST(ClientLimitsH2, AnIdleConnectionHasItsTime) {
  H2Scene scene;
  scene.worker.context.clients.idle_timeout = 5s;
  scene.get();
  scene.turn();
  scene.answer("x");
  scene.pass(2);
  EXPECT_TRUE(scene.goaways.empty());
  scene.pass(6);
  EXPECT_EQ(scene.goaways.size(), 1U);
  EXPECT_TRUE(scene.wire.finished);
}

TEST(ClientLimitsH2, TheLastRequestOfAConnectionIsToldSo) {
  H2Scene scene;
  scene.worker.context.clients.requests = 2;
  scene.get();
  scene.turn();
  scene.answer("1");
  EXPECT_TRUE(scene.goaways.empty());
  auto& last = scene.get();
  scene.turn();
  ASSERT_EQ(scene.goaways.size(), 2U);
  EXPECT_EQ(scene.goaways[1].last_stream, last.id);
  EXPECT_FALSE(scene.wire.finished);
  scene.answer("2");
  EXPECT_EQ(last.body, "2");
  EXPECT_TRUE(scene.wire.finished);
}

TEST(ClientLimitsH2, WithoutKeepAliveAConnectionIsSentAwayWithItsFirstRequest) {
  H2Scene scene;
  scene.worker.context.clients.idle_timeout = 0s;
  scene.pass(1);
  EXPECT_FALSE(scene.closed) << "it has had no request yet";
  auto& stream = scene.get();
  scene.turn();
  EXPECT_EQ(scene.goaways.size(), 2U);
  scene.answer("x");
  EXPECT_EQ(stream.body, "x");
  EXPECT_TRUE(scene.wire.finished);
}

TEST(ClientLimitsH2, AFreshConnectionThatIsSlowToReadIsNotTakenForAnIdleOne) {
  H2Scene scene;
  scene.worker.context.clients.idle_timeout = 0s;
  scene.drain();
  scene.pass(1);
  EXPECT_TRUE(scene.goaways.empty());
}

}  // namespace
}  // namespace portico::downstream
