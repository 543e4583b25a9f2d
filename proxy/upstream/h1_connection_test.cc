#include "proxy/upstream/h1_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/upstream/testing/scene.h"

namespace portico::upstream {
namespace {

using exchange::testing::bytes_of;
using ::testing::EndsWith;
using testing::FakeExchange;
using ::testing::HasSubstr;
using testing::kAnswer;
using testing::Scene;
using ::testing::StartsWith;
namespace error = routing::upstream_error;

// ---- requests out

TEST(UpstreamH1, SendsARequestInOneWrite) {
  Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  EXPECT_EQ(scene.wire.writes, 1);
  const auto request = scene.wire.take();
  EXPECT_THAT(request, StartsWith("GET / HTTP/1.1\r\nHost: a.example\r\n"));
  EXPECT_THAT(request, EndsWith("\r\n\r\n"));
}

TEST(UpstreamH1, HoldsAHeadBackForTheBodyBehindIt) {
  Scene scene;
  FakeExchange exchange;
  scene.lend(exchange);
  scene.connection->send_head({.method = http::Method::kPost,
                               .method_text = "POST",
                               .target = "/",
                               .authority = "a.example",
                               .framing = http::Framing::kLength,
                               .content_length = 3,
                               .fields = &scene.fields},
                              true);
  EXPECT_EQ(scene.wire.writes, 0);
  scene.connection->write_body(bytes_of("abc"));
  scene.connection->end(nullptr);
  EXPECT_EQ(scene.wire.writes, 1);
  EXPECT_THAT(scene.wire.take(), EndsWith("Content-Length: 3\r\n\r\nabc"));
}

TEST(UpstreamH1, ChunksABodyOfUnknownLength) {
  Scene scene;
  FakeExchange exchange;
  scene.lend(exchange);
  scene.connection->send_head({.method = http::Method::kPost,
                               .method_text = "POST",
                               .target = "/",
                               .authority = "a.example",
                               .framing = http::Framing::kChunked,
                               .fields = &scene.fields},
                              true);
  http::FieldBlock trailers;
  trailers.add(http::FieldId::kOther, "Checksum", "1");
  scene.connection->write_body(bytes_of("abc"));
  scene.connection->end(&trailers);
  EXPECT_THAT(scene.wire.take(),
              EndsWith("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nChecksum: 1\r\n\r\n"));
}

TEST(UpstreamH1, SaysWaitUntilTheSocketTakesBytesAgain) {
  Scene scene;
  FakeExchange exchange;
  scene.lend(exchange);
  scene.connection->send_head({.method = http::Method::kPost,
                               .method_text = "POST",
                               .target = "/",
                               .framing = http::Framing::kChunked,
                               .fields = &scene.fields},
                              true);
  scene.wire.full = true;
  EXPECT_EQ(scene.connection->write_body(bytes_of(std::string(9000, 'x'))), exchange::Flow::kWait);
  EXPECT_EQ(scene.connection->write_body(bytes_of("y")), exchange::Flow::kWait);
  scene.wire.drain();
  EXPECT_EQ(exchange.drains, 1);
  EXPECT_EQ(scene.connection->write_body(bytes_of("z")), exchange::Flow::kGo);
}

// ---- answers in

TEST(UpstreamH1, IsGoodForAnotherRequestAfterAWholeAnswer) {
  Scene scene;
  for (int i = 0; i < 3; ++i) {
    FakeExchange exchange;
    scene.send(exchange);
    scene.receive(kAnswer);
    EXPECT_EQ(exchange.statuses + exchange.body, "200 hi");
    EXPECT_EQ(exchange.ends, 1);
    ASSERT_TRUE(scene.idle);
  }
}

TEST(UpstreamH1, ReadsAnAnswerHoweverItsBytesAreCut) {
  const std::string answer =
      "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\nSum: "
      "1\r\n\r\n";
  for (std::size_t cut = 0; cut < answer.size(); ++cut) {
    Scene scene;
    FakeExchange exchange;
    scene.send(exchange);
    scene.receive(answer.substr(0, cut));
    scene.receive(answer.substr(cut));
    ASSERT_EQ(exchange.statuses + exchange.body, "103 200 hi!|Sum=1") << "cut at " << cut;
    ASSERT_TRUE(scene.idle);
  }
}

TEST(UpstreamH1, FlushesOnceForEachArrival) {
  Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.receive("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n");
  EXPECT_EQ(exchange.flushes, 1);
}

TEST(UpstreamH1, ExpectsNoBodyInAnAnswerToHead) {
  Scene scene;
  FakeExchange exchange;
  scene.send(exchange, http::Method::kHead, "HEAD");
  scene.receive("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(exchange.ends, 1);
  EXPECT_TRUE(scene.idle);
}

TEST(UpstreamH1, TellsNothingOfABodyWithoutCredit) {
  Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.receive("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  scene.connection->read_more(false);
  scene.receive("hello");
  EXPECT_EQ(exchange.body, "");
  scene.connection->read_more(true);
  scene.turn();
  EXPECT_EQ(exchange.body, "hello");
  EXPECT_TRUE(scene.idle);
}

TEST(UpstreamH1, EndsABodyWithoutFramingWithItsConnection) {
  Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.receive("HTTP/1.1 200 OK\r\n\r\nhello");
  EXPECT_EQ(exchange.ends, 0);
  scene.wire.end();
  EXPECT_EQ(exchange.body, "hello");
  EXPECT_EQ(exchange.ends, 1);
  EXPECT_TRUE(exchange.errors.empty());
  EXPECT_TRUE(scene.closed);
  EXPECT_FALSE(scene.wire.reset);
}

// ---- what may not be used again

struct LastUse {
  std::string name, answer;
};
class LastUses : public ::testing::TestWithParam<LastUse> {};

TEST_P(LastUses, CloseTheConnection) {
  Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.receive(GetParam().answer);
  EXPECT_EQ(exchange.ends, 1);
  EXPECT_TRUE(scene.closed);
}
INSTANTIATE_TEST_SUITE_P(
    UpstreamH1, LastUses,
    ::testing::Values(
        LastUse{"SaidClose", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"},
        LastUse{"Http10", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
        LastUse{"Surplus", std::string(kAnswer) + "HTTP/1.1 200 OK\r\n"}),
    [](const auto& info) { return info.param.name; });

TEST(UpstreamH1, IsClosedAfterItsShareOfRequests) {
  Scene scene;
  scene.options.upstream_requests = 2;
  FakeExchange first;
  scene.send(first);
  scene.receive(kAnswer);
  EXPECT_TRUE(scene.idle);
  FakeExchange second;
  scene.send(second);
  scene.receive(kAnswer);
  EXPECT_EQ(second.body, "hi");
  EXPECT_TRUE(scene.closed);
}

TEST(UpstreamH1, ClosesWhereBytesOrAnEndComeWhileIdle) {
  for (const bool bytes : {true, false}) {
    Scene scene;
    FakeExchange exchange;
    scene.send(exchange);
    scene.receive(kAnswer);
    ASSERT_TRUE(scene.idle);
    if (bytes) {
      scene.receive("HTTP/1.1 408 Request Timeout\r\n\r\n");
    } else {
      scene.wire.end();
    }
    EXPECT_TRUE(scene.closed);
  }
}

// It came while the connection was idle, and the loop tells of it only now.
TEST(UpstreamH1, TakesNothingForAnAnswerThatCameBeforeTheRequestWasSent) {
  Scene scene;
  FakeExchange first, second;
  scene.send(first);
  scene.receive(kAnswer);
  scene.wire.full = true;  // what is written waits
  scene.send(second);
  scene.receive("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(second.statuses, "");
  ASSERT_EQ(second.errors.size(), 1U);
  EXPECT_EQ(second.errors.front(), error::kClosedBeforeAnswer);
  EXPECT_TRUE(scene.closed);
}

TEST(UpstreamH1, ClosesAfterItsIdleTime) {
  Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.receive(kAnswer);
  scene.pass(50);
  EXPECT_FALSE(scene.closed);
  scene.pass(61);
  EXPECT_TRUE(scene.closed);
}

TEST(UpstreamH1, HasNoIdleDeadlineWhileLent) {
  Scene scene;
  FakeExchange first;
  scene.send(first);
  scene.receive(kAnswer);
  FakeExchange second;
  scene.send(second);
  scene.pass(100);
  EXPECT_FALSE(scene.closed);
}

TEST(UpstreamH1, ResetsWhereItIsReleasedInTheMiddle) {
  for (const std::string_view so_far :
       {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"}) {
    Scene scene;
    FakeExchange exchange;
    scene.send(exchange);
    scene.receive(so_far);
    exchange.release();
    EXPECT_TRUE(scene.wire.reset) << so_far;
  }
}

TEST(UpstreamH1, MayBeReleasedInsideItsCalls) {
  for (const bool at_head : {true, false}) {
    Scene scene;
    FakeExchange exchange;
    exchange.release_at_head = at_head;
    exchange.release_in_body = !at_head;
    scene.send(exchange);
    scene.receive(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    // The whole answer has come, so that the connection may go on.
    EXPECT_FALSE(scene.closed);
    EXPECT_TRUE(scene.idle);
    EXPECT_EQ(exchange.ends, 0);
    EXPECT_LE(exchange.body.size(), 1U);
  }
}

// An answer that is dropped for another endpoint's.
TEST(UpstreamH1, GoesOnWhereAllOfAnAnswerThatNobodyWantsHasCome) {
  for (const std::string_view answer : {
           "HTTP/1.1 503 Later\r\nContent-Length: 2\r\n\r\nno",
           "HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
           "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n",
       }) {
    Scene scene;
    FakeExchange dropped, next;
    dropped.release_at_head = true;
    scene.send(dropped);
    scene.receive(answer);
    ASSERT_TRUE(scene.idle) << answer;
    EXPECT_EQ(dropped.body, "");
    EXPECT_EQ(dropped.ends, 0);
    scene.send(next);
    scene.receive(kAnswer);
    EXPECT_EQ(next.body, "hi");
    EXPECT_EQ(next.ends, 1);
  }
}

TEST(UpstreamH1, EndsWithAnAnswerThatNobodyWantsWhereSomeOfItIsMissing) {
  for (const std::string_view answer : {
           "HTTP/1.1 503 Later\r\nContent-Length: 3\r\n\r\nno",
           "HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n",
           "HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
           "HTTP/1.1 503 Later\r\n\r\nno",
           "HTTP/1.1 503 Later\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 200 OK\r\n",
           "HTTP/1.1 503 Later\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
       }) {
    Scene scene;
    FakeExchange dropped;
    dropped.release_at_head = true;
    scene.send(dropped);
    scene.receive(answer);
    EXPECT_TRUE(scene.closed) << answer;
    EXPECT_FALSE(scene.idle) << answer;
  }
}

TEST(UpstreamH1, ClosesWhereTheAnswerCameBeforeTheRequestsEnd) {
  Scene scene;
  FakeExchange exchange;
  scene.lend(exchange);
  scene.connection->send_head({.method = http::Method::kPost,
                               .method_text = "POST",
                               .target = "/",
                               .framing = http::Framing::kChunked,
                               .fields = &scene.fields},
                              false);
  scene.connection->read_more(true);
  scene.receive(kAnswer);
  EXPECT_EQ(exchange.body, "hi");
  EXPECT_TRUE(scene.closed);
}

// ---- failures

struct Failure {
  std::string name, bytes;
  bool end = false;
  routing::ProxyError expected;
};
class Failures : public ::testing::TestWithParam<Failure> {};

TEST_P(Failures, AreToldOnceAndEndTheConnection) {
  Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.receive(GetParam().bytes);
  if (GetParam().end) {
    scene.wire.end();
  }
  ASSERT_EQ(exchange.errors.size(), 1U);
  EXPECT_EQ(exchange.errors[0].status, GetParam().expected.status);
  EXPECT_EQ(exchange.errors[0].retry, GetParam().expected.retry);
  EXPECT_EQ(exchange.ends, 0);
  EXPECT_TRUE(scene.closed);
}
INSTANTIATE_TEST_SUITE_P(
    UpstreamH1, Failures,
    ::testing::Values(
        Failure{"NoHttp", "SSH-2.0-OpenSSH\r\n\r\n", false, error::kBadAnswer},
        Failure{"BothFramings",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", false,
                error::kBadAnswer},
        Failure{"BadChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false,
                error::kClosedInAnswer},
        Failure{"ClosedBeforeIt", "", true, error::kClosedBeforeAnswer},
        Failure{"ClosedInItsBody", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", true,
                error::kClosedInAnswer},
        Failure{"ClosedInItsChunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi",
                true, error::kClosedInAnswer}),
    [](const auto& info) { return info.param.name; });

TEST(UpstreamH1, TellsAResetByItsPlaceInTheAnswer) {
  Scene before;
  FakeExchange waiting;
  before.send(waiting);
  before.wire.fail(net::TransportError::kReset);
  EXPECT_EQ(waiting.errors.at(0), error::kResetBeforeAnswer);
  Scene within;
  FakeExchange reading;
  within.send(reading);
  within.receive("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
  within.wire.fail(net::TransportError::kReset);
  EXPECT_EQ(reading.errors.at(0), error::kClosedInAnswer);
}

TEST(UpstreamH1, HasEnoughOfInterimAnswersAfter32) {
  Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  for (int i = 0; i < 32; ++i) {
    scene.receive("HTTP/1.1 102 Processing\r\n\r\n");
  }
  EXPECT_TRUE(exchange.errors.empty());
  scene.receive("HTTP/1.1 102 Processing\r\n\r\n");
  EXPECT_EQ(exchange.errors.size(), 1U);
  EXPECT_TRUE(scene.closed);
}

// ---- tunnels

struct Tunnel : Scene {
  Tunnel() {
    upgrade = "websocket";
    exchange.stay = true;
    send(exchange);
    EXPECT_THAT(wire.take(), HasSubstr("Connection: upgrade\r\nUpgrade: websocket\r\n"));
    receive(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhi");
    EXPECT_EQ(exchange.statuses + exchange.body, "101 hi");
  }
  FakeExchange exchange;
};

TEST(UpstreamH1, CarriesATunnelThatClosesHalfByHalf) {
  Tunnel tunnel;
  tunnel.connection->write_body(bytes_of("ping"));
  tunnel.connection->flush();
  EXPECT_EQ(tunnel.wire.take(), "ping");
  tunnel.connection->end(nullptr);
  EXPECT_TRUE(tunnel.wire.finished);
  tunnel.receive("pong");
  EXPECT_EQ(tunnel.exchange.body, "hipong");
  tunnel.wire.end();
  EXPECT_EQ(tunnel.exchange.ends, 1);
  tunnel.exchange.release();
  EXPECT_TRUE(tunnel.closed);
  EXPECT_FALSE(tunnel.wire.reset);
}

TEST(UpstreamH1, FlushesATunnelsLastBytesBeforeItCloses) {
  for (const bool endpoint_goes_on : {true, false}) {
    Tunnel tunnel;
    tunnel.wire.full = true;
    tunnel.connection->write_body(bytes_of("last"));
    tunnel.connection->end(nullptr);
    tunnel.exchange.release();
    EXPECT_FALSE(tunnel.closed);
    if (endpoint_goes_on) {
      tunnel.receive("nobody is there");
      tunnel.wire.end();
    }
    EXPECT_FALSE(tunnel.wire.lost);
    tunnel.wire.drain();
    EXPECT_EQ(tunnel.wire.take(), "last");
    EXPECT_TRUE(tunnel.closed);
  }
}

TEST(UpstreamH1, GivesUpFlushingATunnelInTime) {
  Tunnel tunnel;
  tunnel.wire.full = true;
  tunnel.connection->write_body(bytes_of("last"));
  tunnel.connection->end(nullptr);
  tunnel.exchange.release();
  tunnel.pass(61);
  EXPECT_TRUE(tunnel.closed);
}

}  // namespace
}  // namespace portico::upstream
