#include "proxy/downstream/h2_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/downstream/testing/h2_scene.h"

namespace portico::downstream {
namespace {

using http::Framing;
using http::H2Error;
using ::testing::AllOf;
using testing::H2Scene;
using ::testing::HasSubstr;
using ::testing::Not;

// ---- one request

TEST(DownstreamH2, ServesARequest) {
  H2Scene scene;
  auto& stream = scene.get("/path?query");
  scene.turn();
  ASSERT_EQ(scene.requests(), 1U);
  EXPECT_EQ(scene.backend().head, "GET /path?query");
  EXPECT_THAT(scene.backend().fields, HasSubstr("Host: a.example\n"));
  scene.answer("hello");
  EXPECT_EQ(stream.status, "200");
  EXPECT_EQ(stream.body, "hello");
  EXPECT_THAT(stream.fields, HasSubstr("content-length: 5\n"));
  EXPECT_TRUE(stream.ended && stream.closed);
  EXPECT_EQ(stream.reset_by, H2Error::kNone);
}

TEST(DownstreamH2, ServesTheSameHoweverItsBytesAreCut) {
  for (std::size_t cut = 1; cut < 40; cut += 3) {
    H2Scene scene;
    scene.cut = cut;
    auto& stream = scene.post("some body");
    auto& other = scene.get("/other");
    scene.turn();
    ASSERT_EQ(scene.requests(), 2U) << cut;
    EXPECT_EQ(scene.backend(0).body, "some body");
    EXPECT_TRUE(scene.backend(0).ended);
    scene.backend(0).answer(200, "one");
    scene.backend(1).answer(404, "two");
    scene.turn();
    EXPECT_EQ(stream.status + stream.body, "200one");
    EXPECT_EQ(other.status + other.body, "404two");
  }
}

TEST(DownstreamH2, AnswersByItselfWhereThereIsNoRoute) {
  H2Scene scene;
  auto& stream = scene.open(
      {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "other.example"}});
  scene.turn();
  EXPECT_EQ(stream.status, "404");
  EXPECT_TRUE(stream.ended);
  EXPECT_EQ(scene.requests(), 0U);
}

TEST(DownstreamH2, SendsNoBodyInAnswerToHead) {
  H2Scene scene;
  auto& stream = scene.request("HEAD", "/");
  scene.turn();
  scene.backend().answer_head(200, Framing::kNone, 0, {}, {{"Content-Length", "7"}});
  scene.backend().answer_end();
  scene.turn();
  EXPECT_THAT(stream.fields, HasSubstr("content-length: 7"));
  EXPECT_TRUE(stream.ended && stream.closed);
}

TEST(DownstreamH2, PassesInterimAnswersAndTrailersBothWays) {
  H2Scene scene;
  auto& stream = scene.request("POST", "/", {{"te", "trailers"}}, true);
  stream.to_send = "body";
  stream.trailers.add("x-sum", "1");
  scene.turn();
  EXPECT_EQ(scene.backend().body, "body|x-sum=1");
  scene.backend().answer_head(103, Framing::kNone, 0, {}, {{"Link", "</a>"}});
  scene.backend().answer_head(200);
  scene.backend().answer_body("data");
  http::FieldBlock trailers;
  trailers.add(http::FieldId::kOther, "Grpc-Status", "0");
  scene.backend().answer_end(&trailers);
  scene.turn();
  EXPECT_EQ(stream.heads, "103 200 200 ");
  EXPECT_EQ(stream.body, "data");
  EXPECT_THAT(stream.fields, HasSubstr("grpc-status: 0"));
}

TEST(DownstreamH2, SaysContinueOnceAnEndpointIsThere) {
  H2Scene scene;
  scene.worker.upstreams.warm = false;
  auto& stream = scene.request("POST", "/", {{"expect", "100-continue"}}, true);
  stream.to_send = "x";
  stream.ends = false;
  scene.turn();
  EXPECT_EQ(stream.heads, "");
  scene.worker.upstreams.connected();
  scene.turn();
  EXPECT_EQ(stream.heads, "100 ");
  EXPECT_EQ(scene.backend().body, "x");
}

TEST(DownstreamH2, JoinsCookies) {
  H2Scene scene;
  scene.get("/", {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}});
  scene.turn();
  EXPECT_THAT(scene.backend().fields, HasSubstr("cookie: a=1; b=2\n"));
}

TEST(DownstreamH2, TakesTheHostWhereThereIsNoAuthority) {
  H2Scene scene;
  scene.open({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "a.example"}});
  scene.turn();
  ASSERT_EQ(scene.requests(), 1U);
  EXPECT_THAT(scene.backend().fields, HasSubstr("Host: a.example\n"));
}

// ---- what it refuses

TEST(DownstreamH2, RefusesHeadsThatCouldBeReadTwoWays) {
  struct Row {
    const char* name;
    H2Scene::Fields fields;
    const char* status;
  };
  const std::string long_value(70'000, 'x');
  const Row rows[] = {
      {"host differs",
       {{":method", "GET"},
        {":scheme", "http"},
        {":path", "/"},
        {":authority", "a.example"},
        {"host", "b.example"}},
       "400"},
      {"userinfo",
       {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "u@a.example"}},
       "400"},
      {"fragment",
       {{":method", "GET"}, {":scheme", "http"}, {":path", "/#x"}, {":authority", "a.example"}},
       "400"},
      {"backslash",
       {{":method", "GET"}, {":scheme", "http"}, {":path", "/\\x"}, {":authority", "a.example"}},
       "400"},
      {"scheme",
       {{":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}, {":authority", "a.example"}},
       "400"},
      {"expectation",
       {{":method", "GET"},
        {":scheme", "http"},
        {":path", "/"},
        {":authority", "a.example"},
        {"expect", "x"}},
       "417"},
      {"method",
       {{":method", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH"},
        {":scheme", "http"},
        {":path", "/"},
        {":authority", "a.example"}},
       "501"},
      {"trace",
       {{":method", "TRACE"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a.example"}},
       "405"},
  };
  for (const auto& row : rows) {
    H2Scene scene;
    auto& stream = scene.open(row.fields);
    scene.turn();
    EXPECT_EQ(stream.status, row.status) << row.name;
    EXPECT_EQ(scene.requests(), 0U) << row.name;
  }
}

TEST(DownstreamH2, RefusesTooManyFields) {
  H2Scene scene;
  H2Scene::Fields many;
  for (int i = 0; i < 101; ++i) {
    many.emplace_back("a", "b");
  }
  auto& stream = scene.get("/", many);
  scene.turn();
  EXPECT_EQ(stream.status, "431");
  EXPECT_EQ(scene.requests(), 0U);
}

TEST(DownstreamH2, RefusesConnectAndThenTheConnection) {
  H2Scene scene;
  auto& stream = scene.open({{":method", "CONNECT"}, {":authority", "a.example:80"}}, true);
  stream.ends = false;
  scene.turn();
  EXPECT_EQ(stream.status, "405");
  EXPECT_TRUE(scene.wire.finished);
}

TEST(DownstreamH2, LeavesOutNamesWithUnderscores) {
  H2Scene scene;
  scene.get("/", {{"x_real_ip", "1"}, {"x-mine", "2"}});
  scene.turn();
  EXPECT_THAT(scene.backend().fields, AllOf(Not(HasSubstr("x_real_ip")), HasSubstr("x-mine")));
}

TEST(DownstreamH2, CompletesNoRequestBeforeItsEndIsKnown) {
  H2Scene scene;
  auto& stream = scene.request("POST", "/", {{"content-length", "5"}}, true);
  stream.to_send = "hello";
  stream.ends = false;
  scene.turn();
  EXPECT_EQ(scene.backend().body, "") << "more may follow, and then it was no request";
  stream.ends = true;
  scene.client.resume(stream.id);
  scene.turn();
  EXPECT_EQ(scene.backend().body, "hello");
  EXPECT_TRUE(scene.backend().ended);

  auto& empty = scene.request("POST", "/", {{"content-length", "0"}}, true);
  empty.ends = false;
  scene.turn();
  EXPECT_EQ(scene.backend().framing, Framing::kChunked);
  EXPECT_FALSE(scene.backend().ended);
}

// ---- flow control

TEST(DownstreamH2, StopsTheEndpointOfAStreamThatDoesNotTakeItsAnswer) {
  H2Scene scene({}, {.stream_window = 20'000});
  auto& slow = scene.get("/slow");
  slow.reads = false;
  auto& other = scene.get("/other");
  scene.turn();
  scene.backend(0).answer_head(200);
  scene.backend(0).answer_body(std::string(60'000, 's'));
  scene.turn();
  EXPECT_FALSE(scene.backend(0).credit);
  EXPECT_EQ(slow.body.size(), 20'000U);
  scene.backend(1).answer(200, "quick");
  scene.turn();
  EXPECT_EQ(other.body, "quick");
  slow.reads = true;
  scene.client.consume(slow.id, slow.body.size());
  scene.turn();
  EXPECT_TRUE(scene.backend(0).credit);
  EXPECT_EQ(slow.body.size(), 60'000U);
}

TEST(DownstreamH2, StopsTheClientWhereTheEndpointDoesNotTakeTheBody) {
  H2Scene scene;
  auto& stream = scene.post(std::string(400'000, 'b'));
  auto& other = scene.post("small");
  scene.worker.upstreams.warm = false;
  scene.turn();
  EXPECT_GT(stream.to_send.size(), 200'000U) << "a window of it, and no more";
  ASSERT_TRUE(scene.worker.upstreams.connecting());
  scene.worker.upstreams.connected();
  scene.turn();
  EXPECT_EQ(scene.backend().body, "small");
  static_cast<void>(other);
}

TEST(DownstreamH2, StopsAllEndpointsWhileTheSocketIsFull) {
  H2Scene scene;
  auto& stream = scene.get();
  scene.turn();
  scene.wire.full = true;
  scene.backend().answer_head(200);
  scene.backend().answer_body(std::string(60'000, 'x'));
  scene.backend().answer_body(std::string(60'000, 'x'));
  scene.turn();
  EXPECT_FALSE(scene.backend().credit);
  scene.drain();
  EXPECT_TRUE(scene.backend().credit);
  EXPECT_EQ(stream.body.size(), 120'000U);
}

TEST(DownstreamH2, ReadsNoEndpointWhileTheSocketIsFullNotEvenAHead) {
  H2Scene scene;
  scene.get("/first");
  auto& second = scene.get("/second");
  scene.turn();
  scene.wire.full = true;
  scene.backend(0).answer_head(200);
  scene.backend(0).answer_body(std::string(60'000, 'x'));
  EXPECT_FALSE(scene.backend(1).credit) << "at once";
  scene.drain();
  EXPECT_TRUE(scene.backend(1).credit);
  scene.backend(1).answer(200, "after all");
  scene.turn();
  EXPECT_EQ(second.body, "after all");
}

TEST(DownstreamH2, GathersWhatStreamsSayInOneTurn) {
  H2Scene scene;
  for (int i = 0; i < 10; ++i) {
    scene.get();
  }
  scene.turn();
  scene.wire.writes = 0;
  for (int i = 0; i < 10; ++i) {
    scene.backend(static_cast<std::size_t>(i)).answer(200, "hello");
  }
  scene.turn();
  EXPECT_EQ(scene.wire.writes, 1);
}

// ---- ends

TEST(DownstreamH2, ResetsAStreamWhoseAnswerIsCut) {
  H2Scene scene;
  auto& stream = scene.get();
  scene.turn();
  scene.backend().answer_head(200);
  scene.backend().answer_body("half");
  scene.backend().fail(routing::upstream_error::kBodyTimeout);
  scene.turn();
  EXPECT_TRUE(stream.closed);
  EXPECT_FALSE(stream.ended);
  EXPECT_EQ(stream.reset_by, H2Error::kInternal);
  EXPECT_FALSE(scene.closed);
}

TEST(DownstreamH2, LetsGoOfTheEndpointWhenTheClientResets) {
  H2Scene scene;
  auto& stream = scene.get();
  scene.turn();
  scene.client.reset(stream.id, H2Error::kCancel);
  scene.turn();
  EXPECT_TRUE(scene.backend().released());
  ASSERT_EQ(scene.worker.recorder.records.size(), 1U);
  EXPECT_EQ(scene.worker.recorder.records[0].status, 499);
}

TEST(DownstreamH2, LosesNoStreamInADrain) {
  H2Scene scene;
  auto& first = scene.get("/1");
  scene.turn();
  auto& crossing = scene.get("/2");
  const auto on_its_way = scene.client_output();
  scene.connection->drain();
  scene.wire.receive(on_its_way);
  scene.turn();
  ASSERT_EQ(scene.goaways.size(), 2U);
  EXPECT_EQ(scene.goaways[0].last_stream, 0x7fffffff);
  EXPECT_EQ(scene.goaways[1].last_stream, crossing.id);
  EXPECT_FALSE(scene.wire.finished);
  scene.backend(0).answer(200, "one");
  scene.backend(1).answer(200, "two");
  scene.turn();
  EXPECT_EQ(first.body + crossing.body, "onetwo");
  EXPECT_TRUE(scene.wire.finished);
}

TEST(DownstreamH2, ClosesAnIdleConnection) {
  H2Scene scene;
  scene.get();
  scene.turn();
  scene.answer("x");
  scene.pass(60);
  EXPECT_TRUE(scene.goaways.empty());
  scene.pass(80);
  ASSERT_EQ(scene.goaways.size(), 1U);
  EXPECT_EQ(scene.goaways[0].error, H2Error::kNone);
  EXPECT_TRUE(scene.wire.finished);
}

TEST(DownstreamH2, GivesUpAStreamThatTakesNothing) {
  H2Scene scene({}, {.stream_window = 10});
  auto& stream = scene.get();
  stream.reads = false;
  scene.turn();
  scene.answer("much more than ten bytes");
  EXPECT_EQ(stream.body.size(), 10U);
  scene.pass(62);
  scene.pass(130);
  EXPECT_TRUE(stream.closed);
  EXPECT_NE(stream.reset_by, H2Error::kNone);
}

TEST(DownstreamH2, AnswersABodyThatStopsComing) {
  H2Scene scene;
  scene.worker.options.client_send_timeout = std::chrono::hours(1);  // time jumps: the answer's too
  auto& stream = scene.post("part", false);
  scene.turn();
  scene.pass(62);
  EXPECT_EQ(stream.status, "408");
  EXPECT_TRUE(stream.closed);
}

TEST(DownstreamH2, KeepsASilentClientsStreamWhileItsAnswerGoesOn) {
  H2Scene scene;
  auto& stream = scene.post("part", false);
  scene.turn();
  scene.backend().answer_head(200);
  for (int i = 0; i < 4; ++i) {
    scene.backend().answer_body("news");
    scene.backend().answer_flush();
    scene.pass(40);
  }
  EXPECT_FALSE(stream.closed);
  EXPECT_EQ(stream.body, "newsnewsnewsnews");
  for (int i = 0; i < 3; ++i) {
    scene.pass(62);
  }
  EXPECT_TRUE(stream.closed);
}

TEST(DownstreamH2, EndsEveryExchangeWhenTheClientIsGone) {
  H2Scene scene;
  scene.get();
  scene.post("open", false);
  scene.turn();
  scene.wire.fail(net::TransportError::kReset);
  EXPECT_TRUE(scene.closed);
  EXPECT_TRUE(scene.backend(0).released() && scene.backend(1).released());
  EXPECT_EQ(scene.worker.recorder.records.size(), 2U);
}

TEST(DownstreamH2, AnswersBrokenFramingWithGoawayAndCloses) {
  H2Scene scene;
  scene.get();
  scene.turn();
  scene.wire.receive(std::string("\0\0\1\6\0\0\0\0\0x", 10));  // a PING of one byte
  scene.turn();
  ASSERT_EQ(scene.goaways.size(), 1U);
  EXPECT_EQ(scene.goaways[0].error, H2Error::kFrameSize);
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_TRUE(scene.backend().released());
}

// ---- WebSockets (RFC 8441)

TEST(DownstreamH2, TranslatesAnExtendedConnect) {
  H2Scene scene;
  auto& stream = scene.open({{":method", "CONNECT"},
                             {":protocol", "websocket"},
                             {":scheme", "http"},
                             {":path", "/chat"},
                             {":authority", "a.example"},
                             {"sec-websocket-version", "13"}},
                            true);
  stream.ends = false;
  stream.to_send = "early";
  scene.turn();
  ASSERT_EQ(scene.requests(), 1U);
  EXPECT_EQ(scene.backend().head, "GET /chat");
  EXPECT_EQ(scene.backend().upgrade, "websocket");
  EXPECT_THAT(scene.backend().fields, HasSubstr("Sec-WebSocket-Key: "));
  scene.backend().answer_head(101, Framing::kNone, 0, "websocket",
                              {{"Sec-WebSocket-Accept", "x"}, {"Sec-WebSocket-Protocol", "p"}});
  scene.turn();
  EXPECT_EQ(stream.status, "200");
  EXPECT_THAT(stream.fields, AllOf(HasSubstr("sec-websocket-protocol: p"),
                                   Not(HasSubstr("sec-websocket-accept"))));
  EXPECT_EQ(scene.backend().body, "early");
  scene.backend().answer_body("pong");
  scene.backend().answer_flush();
  scene.turn();
  EXPECT_EQ(stream.body, "pong");
}

TEST(DownstreamH2, SaysNoSuccessWhereAnEndpointTakesNoWebSocket) {
  H2Scene scene;
  auto& stream = scene.open({{":method", "CONNECT"},
                             {":protocol", "websocket"},
                             {":scheme", "http"},
                             {":path", "/"},
                             {":authority", "a.example"}},
                            true);
  stream.ends = false;
  scene.turn();
  scene.answer("a page");
  EXPECT_EQ(stream.status, "502");
  EXPECT_EQ(stream.body, "");
  EXPECT_TRUE(stream.closed);
}

}  // namespace
}  // namespace portico::downstream
