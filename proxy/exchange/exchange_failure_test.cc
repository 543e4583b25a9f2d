#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/exchange/exchange.h"
#include "proxy/exchange/testing/scene.h"

namespace portico::exchange {
namespace {

using testing::bytes_of;
using testing::kClientGone;
using testing::Scene;
using testing::shop;
namespace error = routing::upstream_error;

// ---- connecting, and trying again

TEST(Exchange, AsksTheNextEndpointWhereOneRefuses) {
  Scene scene;
  scene.worker.upstreams.warm = false;
  scene.start();
  scene.worker.upstreams.refuse(error::kConnectRefused);
  ASSERT_EQ(scene.worker.upstreams.ports.size(), 2U);
  EXPECT_NE(scene.worker.upstreams.ports[0], scene.worker.upstreams.ports[1]);
  scene.worker.upstreams.connected();
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_EQ(scene.record().attempts, 2);
  EXPECT_FALSE(scene.record().reused);
  scene.expect_finished();
}

TEST(Exchange, GivesUpWithTheLastErrorsStatus) {
  for (const auto& last : {error::kConnectRefused, error::kConnectTimeout}) {
    Scene scene;
    scene.worker.upstreams.warm = false;
    scene.start();
    scene.worker.upstreams.refuse(error::kConnectRefused);
    scene.worker.upstreams.refuse(error::kConnectRefused);
    scene.worker.upstreams.refuse(last);
    EXPECT_EQ(scene.client.status, last.status);
    EXPECT_EQ(scene.record().attempts, 3);
    EXPECT_EQ(scene.record().reason, last.reason);
    EXPECT_EQ(scene.record().upstream_status, 0);
    scene.expect_finished();
  }
}

TEST(Exchange, ForgivesAStaleConnectionOnce) {
  Scene scene;
  scene.start();
  scene.backend().fail(error::kClosedBeforeAnswer);
  ASSERT_TRUE(scene.worker.upstreams.connecting());
  EXPECT_EQ(scene.worker.upstreams.ports[0], scene.worker.upstreams.ports[1]);
  scene.worker.upstreams.connected();
  EXPECT_EQ(scene.backend().head, "GET /");
  EXPECT_TRUE(scene.backend().ended);
  scene.backend().fail(error::kClosedBeforeAnswer);
  ASSERT_EQ(scene.worker.upstreams.ports.size(), 3U);
  EXPECT_NE(scene.worker.upstreams.ports[1], scene.worker.upstreams.ports[2]);
}

// Nothing of it has left, so that not even a POST can have had an effect.
TEST(Exchange, TriesAgainWhateverTheMethodWhereNothingWasSent) {
  Scene scene;
  scene.get("/", http::Method::kPost, "POST");
  scene.start();
  scene.backend().sent = false;
  scene.backend().fail(error::kClosedBeforeAnswer);
  ASSERT_TRUE(scene.worker.upstreams.connecting());
  scene.worker.upstreams.connected();
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  scene.expect_finished();
}

TEST(Exchange, NeverSendsABodyTwiceThatIsNotKept) {
  Scene scene(shop({.retries = {.on = {}}}));
  scene.get("/", http::Method::kPut, "PUT");
  scene.head.framing = http::Framing::kLength;
  scene.head.content_length = 4;
  scene.start();
  scene.exchange.on_request_body(bytes_of("ab"));
  scene.backend().fail(error::kResetBeforeAnswer);
  EXPECT_EQ(scene.client.status, 502);
  scene.expect_finished();
}

TEST(Exchange, NeverLosesABodyThatWasTakenAndNotSent) {
  Scene scene;
  scene.post(http::Framing::kLength, 4);
  scene.start();
  scene.exchange.on_request_body(bytes_of("ab"));
  scene.backend().sent = false;
  scene.backend().fail(error::kClosedBeforeAnswer);
  EXPECT_EQ(scene.client.status, 502);
  scene.expect_finished();
}

TEST(Exchange, LetsTheClientsBodyWaitUntilAnEndpointTakesIt) {
  Scene scene;
  scene.worker.upstreams.warm = false;
  scene.post(http::Framing::kChunked);
  scene.start();
  EXPECT_FALSE(scene.client.credit);
  scene.worker.upstreams.connected();
  EXPECT_TRUE(scene.client.credit);
  EXPECT_TRUE(scene.backend().body_follows);
}

TEST(Exchange, AnswersABadAnswerWith502) {
  Scene scene;
  scene.start();
  scene.backend().fail(error::kBadAnswer);
  EXPECT_EQ(scene.client.status, 502);
  EXPECT_EQ(scene.worker.upstreams.ports.size(), 1U);
}

// ---- back-pressure

TEST(Exchange, StopsReadingTheClientWhileTheEndpointTakesNothing) {
  Scene scene;
  scene.post(http::Framing::kChunked);
  scene.start();
  scene.backend().slow = true;
  scene.exchange.on_request_body(bytes_of("a"));
  EXPECT_FALSE(scene.client.credit);
  scene.backend().drain();
  EXPECT_TRUE(scene.client.credit);
}

TEST(Exchange, StopsReadingTheEndpointWhileTheClientTakesNothing) {
  Scene scene;
  scene.start();
  scene.client.slow = true;
  scene.backend().answer_head(200);
  scene.backend().answer_body("a");
  EXPECT_FALSE(scene.backend().credit);
  scene.client.slow = false;
  scene.exchange.on_client_writable();
  EXPECT_TRUE(scene.backend().credit);
}

TEST(Exchange, DoesNotBlameTheEndpointWhileTheClientIsSlow) {
  Scene scene;
  scene.post(http::Framing::kChunked);
  scene.start();
  scene.client.slow = true;
  scene.backend().answer_head(200);
  scene.backend().answer_body("a");
  scene.exchange.on_request_body(bytes_of("b"));  // arms nothing
  scene.exchange.on_request_end(nullptr);
  scene.worker.pass(std::chrono::seconds(100));
  EXPECT_FALSE(scene.client.aborted);
  scene.client.slow = false;
  scene.exchange.on_client_writable();
  scene.worker.pass(std::chrono::seconds(200));
  EXPECT_TRUE(scene.client.aborted);
  EXPECT_EQ(scene.record().reason, error::kBodyTimeout.reason);
}

// ---- deadlines

TEST(Exchange, AnswersWith504WhereNoAnswerComes) {
  Scene scene;
  scene.start();
  scene.worker.pass(std::chrono::seconds(61));
  EXPECT_EQ(scene.client.status, 504);
  EXPECT_EQ(scene.record().reason, error::kHeadTimeout.reason);
  scene.expect_finished();
}

TEST(Exchange, AnswersWith504WhereTheBodyIsNotTaken) {
  Scene scene(shop({.send_timeout = std::chrono::seconds(5)}));
  scene.post(http::Framing::kChunked);
  scene.start();
  scene.backend().slow = true;
  scene.exchange.on_request_body(bytes_of("a"));
  scene.worker.pass(std::chrono::seconds(6));
  EXPECT_EQ(scene.client.status, 504);
  EXPECT_EQ(scene.record().reason, error::kSendTimeout.reason);
}

TEST(Exchange, SparesASlowEndpointAsLongAsItTakesSomethingOfTheBody) {
  Scene scene;
  scene.post(http::Framing::kChunked);
  scene.start();
  scene.backend().slow = true;
  scene.backend().unsent = 1'000'000;
  scene.backend().takes = 1;
  scene.exchange.on_request_body(bytes_of("abc"));
  scene.worker.pass(std::chrono::seconds(70));
  EXPECT_LT(scene.backend().unsent, 999'998U) << "nobody has looked";
  EXPECT_EQ(scene.client.status, 0);
  scene.backend().takes = 0;
  scene.worker.pass(std::chrono::seconds(71));
  EXPECT_EQ(scene.client.status, 504);
  EXPECT_EQ(scene.record().reason, error::kSendTimeout.reason);
  scene.expect_finished();
}

// An endpoint that is tired of a kept connection says 408 to nobody; the request crossed it.
TEST(Exchange, TakesA408OnAKeptConnectionForItsEnd) {
  Scene scene;
  scene.start();
  scene.backend().close_after_head = true;
  scene.backend().answer_head(408, http::Framing::kNone);
  ASSERT_TRUE(scene.worker.upstreams.connecting());
  scene.worker.upstreams.connected();
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_EQ(scene.record().attempts, 2);
  scene.expect_finished();
}

TEST(Exchange, HandsOnA408ThatMayBeMeant) {
  for (const bool keeps : {true, false}) {
    Scene scene;
    if (!keeps) {
      scene.post(http::Framing::kLength, 4);  // the body is what it may have waited for
    }
    scene.start();
    scene.backend().close_after_head = !keeps;
    scene.backend().answer(408, "x");
    EXPECT_EQ(scene.client.status, 408);
    scene.expect_finished();
  }
}

TEST(Exchange, LetsTheClientsOwnDeadlineJudgeABodyThatDoesNotCome) {
  Scene scene;
  scene.post(http::Framing::kChunked);
  scene.start();
  scene.worker.pass(std::chrono::seconds(61));
  EXPECT_EQ(scene.client.status, 0);
  scene.exchange.on_request_end(nullptr);
  scene.worker.pass(std::chrono::seconds(122));
  EXPECT_EQ(scene.client.status, 504);
}

// ---- ends in every order

TEST(Exchange, EndsWithAnAnswerThatComesBeforeTheRequestsEnd) {
  Scene scene;
  scene.post(http::Framing::kChunked);
  scene.start();
  scene.exchange.on_request_body(bytes_of("a"));
  scene.backend().answer(403, "no");
  EXPECT_EQ(scene.client.status, 403);
  EXPECT_TRUE(scene.client.ended);
  scene.expect_finished();
}

TEST(Exchange, CutsAnAnswerThatItsEndpointDoesNotFinish) {
  Scene scene;
  scene.start();
  scene.backend().answer_head(200, http::Framing::kLength, 10);
  scene.backend().answer_body("abc");
  scene.backend().fail(error::kClosedInAnswer);
  EXPECT_TRUE(scene.client.aborted);
  EXPECT_FALSE(scene.client.ended);
  EXPECT_EQ(scene.record().status, 200);
  EXPECT_EQ(scene.record().reason, error::kClosedInAnswer.reason);
  EXPECT_EQ(scene.worker.upstreams.ports.size(), 1U) << "tried again";
  scene.expect_finished();
}

TEST(Exchange, RecordsAClientThatLeftAs499) {
  Scene connecting;
  connecting.worker.upstreams.warm = false;
  connecting.start();
  connecting.exchange.on_client_error(kClientGone);
  EXPECT_EQ(connecting.record().status, 499);
  connecting.expect_finished();

  Scene waiting;
  waiting.start();
  waiting.exchange.on_client_error(kClientGone);
  EXPECT_EQ(waiting.record().status, 499);
  EXPECT_TRUE(waiting.client.aborted);
  waiting.expect_finished();

  Scene relaying;
  relaying.start();
  relaying.backend().answer_head(200);
  relaying.exchange.on_client_error(kClientGone);
  EXPECT_EQ(relaying.record().status, 200) << "it was sent";
  EXPECT_EQ(relaying.record().reason, kClientGone.reason);
  relaying.expect_finished();
}

TEST(Exchange, AnswersABrokenBodyWhileNoAnswerHasBegun) {
  Scene scene;
  scene.post(http::Framing::kChunked);
  scene.start();
  scene.exchange.on_client_error(
      {.status = 400, .side = routing::ErrorSide::kDownstream, .reason = "bad chunk size"});
  EXPECT_EQ(scene.client.status, 400);
  EXPECT_FALSE(scene.backend().ended) << "the endpoint must not take it as whole";
  scene.expect_finished();
}

TEST(Exchange, IgnoresAClientErrorOnceItIsOver) {
  Scene scene;
  scene.start();
  scene.backend().answer(200, "x");
  scene.exchange.on_client_error(kClientGone);
  scene.expect_finished();
}

TEST(Exchange, ReleasesWhatItHoldsWhenItIsDestroyed) {
  testing::FakeWorker worker(shop());
  testing::FakeClient client;
  http::RequestHead head;
  head.target = "/";
  head.authority = "shop.example.com";
  const net::TransportInfo connection;
  {
    Exchange exchange(worker.context);
    exchange.start(client, head, connection);
  }
  EXPECT_TRUE(worker.upstreams.last().released());
  EXPECT_TRUE(worker.context.pinned.empty());
}

}  // namespace
}  // namespace portico::exchange
