#include "proxy/upstream/h2_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/upstream/testing/h2_scene.h"

namespace portico::upstream {
namespace {

using exchange::Flow;
using exchange::testing::bytes_of;
using ::testing::ElementsAre;
using testing::FakeExchange;
using testing::H2Scene;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(H2Upstream, SendsARequestAndTellsItsAnswer) {
  H2Scene scene;
  FakeExchange exchange;
  scene.fields.add(http::FieldId::kUserAgent, "User-Agent", "test");
  scene.fields.add(http::FieldId::kConnection, "Connection", "keep-alive, X-Private");
  scene.fields.add(http::FieldId::kOther, "X-Private", "1");
  scene.send(exchange);
  EXPECT_TRUE(exchange.stream->has_sent());
  EXPECT_THAT(scene.served[1].fields, HasSubstr(":method: GET\n:scheme: http\n:authority: "
                                                "a.example\n:path: /path?query\n"));
  EXPECT_THAT(scene.served[1].fields, HasSubstr("user-agent: test\n"));
  for (const auto* gone :
       {"\nhost:", "\nconnection:", "\nx-private:", "\nte:", "\ncontent-length:"}) {
    EXPECT_THAT(scene.served[1].fields, Not(HasSubstr(gone)));
  }
  EXPECT_TRUE(scene.served[1].ended);
  scene.answer(1, "200", "hello", "5");
  EXPECT_EQ(exchange.statuses, "200 ");
  EXPECT_EQ(exchange.body, "hello");
  EXPECT_EQ(exchange.ends, 1);
  EXPECT_GE(exchange.flushes, 0);
  EXPECT_TRUE(scene.idle);
  EXPECT_EQ(scene.served[1].reset, http::H2Error::kNone);
  EXPECT_FALSE(scene.closed);
}

TEST(H2Upstream, CarriesManyRequestsAtOnce) {
  H2Scene scene;
  std::array<FakeExchange, 3> exchanges;
  for (auto& exchange : exchanges) {
    scene.send(exchange);
  }
  EXPECT_EQ(scene.connection->lent(), 3U);
  scene.answer(5, "200", "third");
  scene.answer(1, "200", "first");
  scene.answer(3, "200", "second");
  EXPECT_EQ(exchanges[0].body, "first");
  EXPECT_EQ(exchanges[1].body, "second");
  EXPECT_EQ(exchanges[2].body, "third");
  EXPECT_EQ(scene.connection->lent(), 0U);
}

TEST(H2Upstream, CarriesBodiesAndTrailersBothWays) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange, true,
             {.method = http::Method::kPost, .method_text = "POST", .accepts_trailers = true});
  EXPECT_THAT(scene.served[1].fields, HasSubstr("te: trailers\n"));
  exchange.stream->write_body(bytes_of("one "));
  exchange.stream->write_body(bytes_of("two"));
  http::FieldBlock trailers;
  trailers.add(http::FieldId::kOther, "X-Sum", "7");
  exchange.stream->end(&trailers);
  scene.turn();
  EXPECT_EQ(scene.served[1].body, "one two");
  EXPECT_THAT(scene.served[1].fields, HasSubstr("x-sum: 7\n"));
  EXPECT_TRUE(scene.served[1].ended);
  scene.served[1].trailers.add("grpc-status", "0");
  scene.served[1].trailers.add("content-type", "never/here");
  scene.answer(1, "200", "answer");
  EXPECT_EQ(exchange.body, "answer|grpc-status=0");
}

TEST(H2Upstream, TellsAnAnswerOfNothingButAHead) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.answer(1, "204");
  EXPECT_EQ(exchange.statuses, "204 ");
  EXPECT_EQ(exchange.ends, 1);
}

TEST(H2Upstream, HandsOnInterimAnswers) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  http::H2FieldList hints;
  hints.add(":status", "103");
  hints.add("link", "</style.css>");
  scene.server.submit_interim(1, hints);
  scene.turn();
  scene.answer(1, "200", "hi");
  EXPECT_EQ(exchange.statuses, "103 200 ");
}

// HTTP/2 itself asks for three digits only.
TEST(H2Upstream, AStatusThatIsNoneIsABadAnswer) {
  for (const auto* status : {"000", "099"}) {
    H2Scene scene;
    FakeExchange exchange;
    scene.send(exchange);
    scene.answer(1, status, "a body without a head");
    EXPECT_EQ(exchange.statuses, "") << status;
    EXPECT_EQ(exchange.body, "") << status;
    ASSERT_EQ(exchange.errors.size(), 1U) << status;
    EXPECT_EQ(exchange.errors[0].retry, routing::RetryRule::kBadAnswer);
    EXPECT_TRUE(scene.idle) << status;
  }
}

TEST(H2Upstream, ReadsAnAnswerToHeadWithALength) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange, false, {.method = http::Method::kHead, .method_text = "HEAD"});
  scene.answer(1, "200", "", "1000");
  EXPECT_EQ(exchange.ends, 1);
  EXPECT_TRUE(exchange.errors.empty());
}

TEST(H2Upstream, KeepsWhatCameWithoutCreditAndNoMore) {
  H2Scene scene;
  FakeExchange slow;
  FakeExchange other;
  scene.send(slow);
  scene.send(other);
  slow.stream->read_more(false);
  scene.answer(1, "200", std::string(1'000'000, 'x'));
  EXPECT_EQ(slow.statuses, "200 ");
  EXPECT_EQ(slow.body.size(), 0U);
  // The endpoint has sent a window's worth, and waits; the other stream does not.
  EXPECT_EQ(scene.served[1].answer.size(), 1'000'000U - 128 * 1024);
  scene.answer(3, "200", std::string(2'000'000, 'y'));
  EXPECT_EQ(other.body.size(), 2'000'000U);
  EXPECT_EQ(slow.body.size(), 0U);
  slow.stream->read_more(true);
  EXPECT_EQ(slow.body.size(), 0U) << "from the loop, not from inside the call";
  scene.turn();
  EXPECT_EQ(slow.body.size(), 1'000'000U);
  EXPECT_EQ(slow.ends, 1);
}

TEST(H2Upstream, WaitsForTheEndpointsWindow) {
  H2Scene scene({.stream_window = 65'535, .connection_window = 65'535});
  FakeExchange exchange;
  scene.send(exchange, true);
  const std::string piece(60'000, 'x');
  EXPECT_EQ(exchange.stream->write_body(bytes_of(piece)), Flow::kGo);
  scene.turn();
  EXPECT_EQ(exchange.stream->write_body(bytes_of(piece)), Flow::kGo);
  scene.turn();
  EXPECT_EQ(exchange.stream->write_body(bytes_of(piece)), Flow::kWait);
  scene.turn();
  EXPECT_EQ(scene.served[1].body.size(), 65'535U);
  EXPECT_EQ(exchange.stream->unsent_bytes(), 180'000U - 65'535);
  EXPECT_EQ(exchange.drains, 0);
  scene.server.consume(1, 65'535);
  scene.turn();
  scene.server.consume(1, 65'535);
  scene.turn();
  EXPECT_EQ(exchange.drains, 1);
  exchange.stream->end(nullptr);
  scene.turn();
  EXPECT_EQ(scene.served[1].body.size(), 180'000U);
  EXPECT_TRUE(scene.served[1].ended);
}

TEST(H2Upstream, WaitsForTheSocket) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange, true);
  scene.wire.full = true;
  const std::string piece(50'000, 'x');
  for (int i = 0; i < 3; ++i) {
    exchange.stream->write_body(bytes_of(piece));
    scene.turn();
  }
  EXPECT_EQ(scene.served[1].body.size(), 0U);
  scene.wire.drain();
  scene.turn();
  EXPECT_EQ(exchange.drains, 1);
  exchange.stream->end(nullptr);
  scene.turn();
  scene.server.consume(1, scene.served[1].body.size());
  scene.turn();
  EXPECT_EQ(scene.served[1].body.size(), 150'000U);
}

TEST(H2Upstream, CancelsWhatIsReleasedUnfinished) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  exchange.release();
  scene.turn();
  EXPECT_TRUE(scene.served[1].closed);
  EXPECT_EQ(scene.served[1].reset, http::H2Error::kCancel);
  EXPECT_TRUE(scene.idle);
  FakeExchange next;
  scene.send(next);
  scene.answer(3, "200", "still here");
  EXPECT_EQ(next.body, "still here");
}

// The session has said a frame's length before there is room for its bytes. Three streams take
// turns in a buffer for four frames, so that the fifth lies where another stream's were.
TEST(H2Upstream, WhatIsReleasedInTheMiddleOfAFrameSendsNoOtherBytes) {
  H2Scene scene;
  std::array<FakeExchange, 3> exchanges;
  for (auto& exchange : exchanges) {
    scene.send(exchange, true);
  }
  scene.wire.full = true;
  for (char letter = 'a'; auto& exchange : exchanges) {
    exchange.stream->write_body(bytes_of(std::string(60'000, letter++)));
  }
  scene.run_posted();
  for (auto& exchange : exchanges) {
    EXPECT_GT(exchange.stream->unsent_bytes(), 0U);
    exchange.release();
  }
  scene.wire.drain();
  scene.turn();
  for (int i = 0; i < 3; ++i) {
    const auto& served = scene.served[2 * i + 1];
    EXPECT_EQ(served.body.find_first_not_of(static_cast<char>('a' + i)), std::string::npos) << i;
    EXPECT_EQ(served.reset, http::H2Error::kCancel) << i;
  }
  FakeExchange next;
  scene.send(next, true);
  next.stream->write_body(bytes_of("and the next one's"));
  next.stream->end(nullptr);
  scene.turn();
  EXPECT_EQ(scene.served[7].body, "and the next one's");
  EXPECT_TRUE(scene.served[7].ended);
}

TEST(H2Upstream, CancelsARequestThatNeverLeft) {
  H2Scene scene;
  scene.wire.full = true;
  FakeExchange first;
  scene.send(first);  // the socket keeps it
  FakeExchange second;
  scene.send(second);
  EXPECT_FALSE(second.stream->has_sent());
  second.release();
  first.release();
  scene.wire.drain();
  scene.turn();
  EXPECT_EQ(scene.connection->lent(), 0U);
  EXPECT_TRUE(scene.idle);
}

TEST(H2Upstream, TakesAnEarlyAnswerAndCancelsTheRest) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange, true);
  exchange.stream->write_body(bytes_of("some"));
  scene.turn();
  scene.answer(1, "413", "too much");
  EXPECT_EQ(exchange.body, "too much");
  EXPECT_EQ(exchange.ends, 1);
  EXPECT_TRUE(scene.idle);
}

// An answer that is dropped for another endpoint's.
TEST(H2Upstream, GoesOnAfterAnAnswerThatNobodyWants) {
  H2Scene scene;
  FakeExchange dropped, next;
  dropped.release_at_head = true;
  scene.send(dropped);
  scene.answer(1, "503", "not this one");
  scene.turn();
  EXPECT_EQ(dropped.statuses, "503 ");
  EXPECT_EQ(dropped.body, "");
  EXPECT_EQ(dropped.ends, 0);
  EXPECT_FALSE(scene.closed);
  scene.send(next);
  scene.answer(3, "200", "hi");
  scene.turn();
  EXPECT_EQ(next.body, "hi");
  EXPECT_EQ(next.ends, 1);
}

TEST(H2Upstream, ARefusedStreamWasNotProcessed) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.server.reset(1, http::H2Error::kRefusedStream);
  scene.turn();
  EXPECT_THAT(exchange.errors, ElementsAre(routing::upstream_error::kNotProcessed));
  EXPECT_FALSE(scene.closed);
}

TEST(H2Upstream, AResetIsAFailureOfItsEndpoint) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.server.reset(1, http::H2Error::kInternal);
  scene.turn();
  ASSERT_EQ(exchange.errors.size(), 1U);
  EXPECT_EQ(exchange.errors[0].retry, routing::RetryRule::kFailed);
  EXPECT_EQ(exchange.errors[0].status, 502);
}

TEST(H2Upstream, AResetInTheBodyIsACut) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.served[1].answer_ends = false;
  scene.answer(1, "200", "some");
  scene.server.reset(1, http::H2Error::kInternal);
  scene.turn();
  EXPECT_EQ(exchange.body, "some");
  EXPECT_EQ(exchange.ends, 0);
  EXPECT_THAT(exchange.errors, ElementsAre(routing::upstream_error::kClosedInAnswer));
}

TEST(H2Upstream, ABodyThatIsNotOfItsLengthIsACut) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.answer(1, "200", "short", "10");
  EXPECT_EQ(exchange.ends, 0);
  ASSERT_EQ(exchange.errors.size(), 1U);
  EXPECT_TRUE(scene.idle);
}

TEST(H2Upstream, AResetBehindAWholeAnswerIsFine) {
  H2Scene scene;
  FakeExchange exchange;
  exchange.stay = true;
  scene.send(exchange, true);
  scene.answer(1, "200", "enough");
  scene.server.reset(1, http::H2Error::kNone);
  scene.turn();
  EXPECT_EQ(exchange.body, "enough");
  EXPECT_EQ(exchange.ends, 1);
  EXPECT_TRUE(exchange.errors.empty());
  EXPECT_EQ(exchange.stream->write_body(bytes_of("nobody wants this")), Flow::kGo);
  exchange.release();
  scene.turn();
  EXPECT_TRUE(scene.idle);
}

TEST(H2Upstream, GoawayLetsOpenStreamsFinishAndTakesNoMore) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.server.submit_goaway(http::H2Error::kNone);
  scene.turn();
  EXPECT_FALSE(scene.connection->has_room());
  scene.answer(1, "200", "finished");
  EXPECT_EQ(exchange.body, "finished");
  EXPECT_TRUE(scene.closed);
  EXPECT_TRUE(scene.wire.closed);
}

TEST(H2Upstream, GoawayGivesBackWhatWasNotProcessed) {
  H2Scene scene;
  FakeExchange seen;
  scene.send(seen);
  scene.server.submit_goaway(http::H2Error::kNone);  // made before the second one arrives
  std::string goaway(std::size_t{64} * 1024, '\0');
  const auto size = scene.server.send(goaway);
  FakeExchange unseen;
  unseen.stream = &scene.connection->lend(unseen);
  unseen.stream->send_head(
      {.method_text = "GET", .target = "/", .authority = "a", .fields = &scene.fields}, false);
  scene.run_posted();
  scene.wire.receive({goaway.data(), size});
  scene.turn();
  EXPECT_THAT(unseen.errors, ElementsAre(routing::upstream_error::kNotProcessed));
  EXPECT_TRUE(seen.errors.empty());
}

TEST(H2Upstream, AnEndOfTheConnectionEndsItsStreams) {
  H2Scene scene;
  FakeExchange waiting;
  FakeExchange reading;
  scene.send(waiting);
  scene.send(reading);
  scene.served[3].answer_ends = false;
  scene.answer(3, "200", "some");
  scene.wire.end();
  EXPECT_THAT(waiting.errors, ElementsAre(routing::upstream_error::kClosedBeforeAnswer));
  EXPECT_THAT(reading.errors, ElementsAre(routing::upstream_error::kClosedInAnswer));
  EXPECT_TRUE(scene.closed);
}

TEST(H2Upstream, WhatWasReleasedEndsWithTheConnectionToo) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  exchange.release();  // its reset has not left yet
  scene.wire.end();
  EXPECT_TRUE(scene.idle);
  EXPECT_TRUE(scene.closed);
}

TEST(H2Upstream, AWholeAnswerOutlivesItsConnection) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  exchange.stream->read_more(false);
  scene.answer(1, "200", "all of it");
  scene.wire.end();
  EXPECT_FALSE(scene.closed);
  exchange.stream->read_more(true);
  scene.turn();
  EXPECT_EQ(exchange.body, "all of it");
  EXPECT_EQ(exchange.ends, 1);
  EXPECT_TRUE(scene.closed);
}

TEST(H2Upstream, GarbageIsABadAnswer) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.wire.receive("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  scene.run_posted();
  ASSERT_EQ(exchange.errors.size(), 1U);
  EXPECT_EQ(exchange.errors[0].retry, routing::RetryRule::kBadAnswer);
  EXPECT_TRUE(scene.closed);
}

TEST(H2Upstream, HasRoomForWhatThePeerTakes) {
  H2Scene scene({.max_concurrent_streams = 2});
  FakeExchange first;
  FakeExchange second;
  scene.send(first);
  EXPECT_TRUE(scene.connection->has_room());
  scene.send(second);
  EXPECT_FALSE(scene.connection->has_room());
  scene.answer(1, "200", "x");
  EXPECT_TRUE(scene.connection->has_room());
}

TEST(H2Upstream, ClosesWhereItsShareOfRequestsIsUsedUp) {
  H2Scene scene;
  scene.options.upstream_requests = 1;
  FakeExchange exchange;
  scene.send(exchange);
  EXPECT_FALSE(scene.connection->has_room());
  scene.answer(1, "200", "x");
  EXPECT_TRUE(scene.closed);
  EXPECT_TRUE(scene.goaway_seen || !scene.wire.written.empty());
}

TEST(H2Upstream, ClosesWhenIdleForTooLong) {
  H2Scene scene;
  FakeExchange exchange;
  scene.send(exchange);
  scene.pass(120);
  scene.turn();
  EXPECT_FALSE(scene.closed);
  scene.answer(1, "200", "x");
  scene.pass(240);
  scene.turn();
  EXPECT_TRUE(scene.closed);
}

TEST(H2Upstream, RefusesAWebSocket) {
  for (const auto* upgrade : {"websocket", "WebSocket", "other, websocket"}) {
    H2Scene scene;
    FakeExchange exchange;
    scene.send(exchange, false, {.upgrade = upgrade});
    ASSERT_EQ(exchange.errors.size(), 1U) << upgrade;
    EXPECT_EQ(exchange.errors[0].status, 502);
    EXPECT_TRUE(scene.idle);
    EXPECT_TRUE(scene.served.empty());
  }
}

TEST(H2Upstream, RefusesTooLongAHead) {
  H2Scene scene;
  scene.options.head_limits.head_bytes = 200;
  FakeExchange exchange;
  scene.send(exchange);
  http::H2FieldList head;
  head.add(":status", "200");
  head.add("x-long", std::string(300, 'x'));
  scene.server.submit_head(1, head, false);
  scene.turn();
  ASSERT_EQ(exchange.errors.size(), 1U);
  EXPECT_EQ(exchange.statuses, "");
}

// Whatever an endpoint sends and wherever it is cut, each exchange is told one end.
TEST(H2Upstream, TellsOneEndHoweverTheBytesAreCut) {
  std::string whole;
  {
    H2Scene scene;
    FakeExchange exchange;
    scene.send(exchange);
    http::H2FieldList head;
    head.add(":status", "200");
    scene.served[1].answer = "some body";
    scene.served[1].trailers.add("x-end", "1");
    scene.server.submit_head(1, head, true);
    whole.resize(std::size_t{64} * 1024);
    whole.resize(scene.server.send(whole));
    exchange.release();
  }
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    H2Scene scene;
    FakeExchange exchange;
    scene.send(exchange);
    scene.wire.receive(whole.substr(0, cut));
    if (cut == whole.size()) {
      EXPECT_EQ(exchange.body, "some body|x-end=1");
    }
    scene.wire.end();
    EXPECT_EQ(exchange.ends + static_cast<int>(exchange.errors.size()), 1) << cut;
    EXPECT_TRUE(scene.closed) << cut;
  }
}

}  // namespace
}  // namespace portico::upstream
