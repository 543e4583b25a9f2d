#include "proxy/downstream/h1_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/downstream/testing/scene.h"

namespace portico::downstream {
namespace {

using http::Framing;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::kGet;
using testing::kHead;
using ::testing::Not;
using testing::ok;
using testing::Scene;
using ::testing::StartsWith;

// ---- one request after the other

TEST(DownstreamH1, ServesSeveralRequestsOnOneConnection) {
  Scene scene;
  for (int i = 0; i < 3; ++i) {
    scene.receive(kGet);
    scene.answer("hello");
    EXPECT_EQ(scene.wire.take(), ok("hello"));
  }
  EXPECT_FALSE(scene.wire.closed);
  EXPECT_EQ(scene.wire.writes, 3) << "head and body leave in one write";
}

TEST(DownstreamH1, AnswersPipelinedRequestsInOrderHoweverTheirBytesAreCut) {
  const std::string input =
      "GET /1 HTTP/1.1\r\nHost: a.example\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
      "POST /3 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nfghi"
      "GET /4 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
  const std::string output = ok("GET /1[]") + ok("POST /2[abcde]") + ok("POST /3[fghi]") +
                             ok("GET /4[]", "Connection: close\r\n");
  const auto play = [&](const std::vector<std::string_view>& pieces) {
    Scene scene;
    for (const auto piece : pieces) {
      scene.receive(piece);
      scene.echo();
    }
    EXPECT_TRUE(scene.wire.finished);
    return scene.wire.take();
  };
  const std::string_view all = input;
  EXPECT_EQ(play({all}), output);
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    ASSERT_EQ(play({all.substr(0, cut), all.substr(cut)}), output) << "cut at " << cut;
  }
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < all.size(); ++i) {
    single.push_back(all.substr(i, 1));
  }
  EXPECT_EQ(play(single), output);
}

TEST(DownstreamH1, TakesNoFurtherRequestWhileAnswersWait) {
  Scene scene;
  scene.wire.full = true;
  std::string flood;
  for (int i = 0; i < 1000; ++i) {
    flood += "GET / HTTP/1.1\r\nHost: unknown.example\r\n\r\n";
  }
  scene.receive(flood);
  EXPECT_EQ(scene.worker.recorder.records.size(), 1U);
  EXPECT_TRUE(scene.wire.paused);
  scene.drain();
  EXPECT_EQ(scene.worker.recorder.records.size(), 1000U) << "goes on once they left";
}

TEST(DownstreamH1, HoldsNoSlotBetweenRequests) {
  Scene scene;
  scene.receive(kGet);
  EXPECT_EQ(scene.slots.spare(), 0U);
  scene.answer("x");
  EXPECT_EQ(scene.slots.spare(), 1U);
  scene.receive("GET");
  EXPECT_EQ(scene.slots.spare(), 0U);
}

TEST(DownstreamH1, ClosesAfterTheAnswerWhereTheClientSaysSo) {
  Scene scene;
  scene.receive("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
  scene.answer("x");
  EXPECT_EQ(scene.wire.take(), ok("x", "Connection: close\r\n"));
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_FALSE(scene.closed) << "what still comes must not become a reset";
  scene.end();
  EXPECT_TRUE(scene.closed);
  EXPECT_FALSE(scene.wire.reset);
}

TEST(DownstreamH1, AnswersAClientThatClosedItsSideBehindItsRequest) {
  Scene scene;
  scene.receive(kGet);
  scene.end();
  EXPECT_FALSE(scene.closed);
  scene.answer("x");
  EXPECT_THAT(scene.wire.take(), EndsWith("\r\n\r\nx"));
  EXPECT_TRUE(scene.closed);
}

TEST(DownstreamH1, ClosesWithAClientThatSaysNothing) {
  Scene scene;
  scene.end();
  EXPECT_TRUE(scene.closed);
  EXPECT_EQ(scene.wire.take(), "");
  EXPECT_TRUE(scene.worker.recorder.records.empty());
}

// ---- HTTP/1.0

TEST(DownstreamH1, ClosesBehindAnAnswerToHttp10) {
  Scene scene;
  scene.receive("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
  scene.answer("x");
  EXPECT_EQ(scene.wire.take(), ok("x", "Connection: close\r\n"));
  EXPECT_TRUE(scene.wire.finished);
}

TEST(DownstreamH1, KeepsAnHttp10ClientThatAsksForIt) {
  Scene scene;
  scene.receive("GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n");
  scene.answer("x");
  EXPECT_EQ(scene.wire.take(), ok("x", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(scene.wire.finished);
}

TEST(DownstreamH1, EndsAnAnswerOfUnknownLengthToHttp10ByClosing) {
  Scene scene;
  scene.receive("GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n");
  scene.answer_head(200, Framing::kChunked);
  scene.backend().answer_body("abc");
  scene.backend().answer_end();
  EXPECT_EQ(scene.wire.take(),
            "HTTP/1.1 200 OK\r\n" + std::string(kHead) + "Connection: close\r\n\r\nabc");
  EXPECT_TRUE(scene.wire.finished);
}

// ---- framing out

TEST(DownstreamH1, ChunksAnAnswerOfUnknownLength) {
  for (const auto framing : {Framing::kChunked, Framing::kUntilClose}) {
    Scene scene;
    scene.receive(kGet);
    http::FieldBlock trailers;
    trailers.add(http::FieldId::kOther, "Checksum", "1");
    scene.answer_head(200, framing);
    scene.backend().answer_body("abc");
    scene.backend().answer_end(&trailers);
    EXPECT_EQ(scene.wire.take(), "HTTP/1.1 200 OK\r\n" + std::string(kHead) +
                                     "Transfer-Encoding: chunked\r\n\r\n"
                                     "3\r\nabc\r\n0\r\nChecksum: 1\r\n\r\n");
    EXPECT_FALSE(scene.wire.finished);
  }
}

TEST(DownstreamH1, DescribesTheLengthOfAnAnswerToHead) {
  Scene scene;
  scene.receive("HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  scene.answer_head(200, Framing::kNone, 0, "1234");
  scene.backend().answer_end();
  EXPECT_EQ(scene.wire.take(),
            "HTTP/1.1 200 OK\r\n" + std::string(kHead) + "Content-Length: 1234\r\n\r\n");
  EXPECT_FALSE(scene.wire.finished);
}

TEST(DownstreamH1, SendsNoFramingWith204) {
  Scene scene;
  scene.receive(kGet);
  scene.answer_head(204, Framing::kNone, 0, "0");
  scene.backend().answer_end();
  EXPECT_EQ(scene.wire.take(), "HTTP/1.1 204 No Content\r\n" + std::string(kHead) + "\r\n");
}

TEST(DownstreamH1, KeepsTheLengthThatA304Describes) {
  Scene scene;
  scene.receive(kGet);
  scene.answer_head(304, Framing::kNone, 0, "10");
  scene.backend().answer_end();
  EXPECT_EQ(scene.wire.take(),
            "HTTP/1.1 304 Not Modified\r\n" + std::string(kHead) + "Content-Length: 10\r\n\r\n");
}

TEST(DownstreamH1, PassesInterimAnswersAtOnce) {
  Scene scene;
  scene.receive(kGet);
  scene.backend().answer_head(103, Framing::kNone, 0, {}, {{"Link", "</a.css>"}});
  EXPECT_EQ(scene.wire.take(), "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
  scene.answer("x");
  EXPECT_EQ(scene.wire.take(), ok("x"));
}

TEST(DownstreamH1, ResetsWhereAnAnswerIsCut) {
  Scene scene;
  scene.receive(kGet);
  scene.answer_head(200, Framing::kUntilClose);
  scene.backend().answer_body("abc");
  scene.backend().fail(routing::upstream_error::kClosedInAnswer);
  EXPECT_TRUE(scene.closed);
  EXPECT_TRUE(scene.wire.reset);
}

// ---- bodies

TEST(DownstreamH1, SaysContinueOnceAnEndpointIsThere) {
  Scene scene;
  scene.worker.upstreams.warm = false;
  scene.receive(
      "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(scene.wire.take(), "");
  scene.worker.upstreams.connected();
  EXPECT_EQ(scene.wire.take(), "HTTP/1.1 100 Continue\r\n\r\n");
  scene.receive("abc");
  scene.echo();
  EXPECT_EQ(scene.wire.take(), ok("POST /[abc]"));
}

TEST(DownstreamH1, DoesNotSayContinueWhereItRefuses) {
  Scene scene;
  scene.receive(
      "POST / HTTP/1.1\r\nHost: b.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  const auto answer = scene.wire.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n")) << "whether the body comes is unknown";
  EXPECT_TRUE(scene.wire.finished);
}

TEST(DownstreamH1, ReadsTheRestOfASmallBodyAndGoesOn) {
  Scene scene;
  scene.receive("POST / HTTP/1.1\r\nHost: b.example\r\nContent-Length: 4\r\n\r\nab");
  EXPECT_THAT(scene.wire.take(), Not(HasSubstr("Connection: close")));
  scene.receive("cd" + std::string(kGet));
  scene.answer("x");
  EXPECT_EQ(scene.wire.take(), ok("x"));
}

TEST(DownstreamH1, ClosesInsteadOfReadingTheRestOfALargeBody) {
  Scene scene;
  scene.receive("POST / HTTP/1.1\r\nHost: b.example\r\nContent-Length: 1000000\r\n\r\nab");
  EXPECT_THAT(scene.wire.take(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(scene.wire.finished);
  scene.receive(std::string(100'000, 'x'));
  EXPECT_FALSE(scene.closed) << "thrown away, so that the answer is not lost to a reset";
  scene.pass(6);
  EXPECT_TRUE(scene.closed);
}

TEST(DownstreamH1, RefusesABrokenBody) {
  Scene scene;
  scene.receive("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_THAT(scene.wire.take(), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_TRUE(scene.worker.upstreams.last().released());
  EXPECT_FALSE(scene.worker.upstreams.last().ended);
}

TEST(DownstreamH1, StopsReadingABodyThatTheEndpointDoesNotTake) {
  Scene scene;
  scene.receive("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\n");
  scene.backend().slow = true;
  scene.receive("ab");
  EXPECT_TRUE(scene.wire.paused);
  scene.backend().drain();
  scene.turn();
  EXPECT_FALSE(scene.wire.paused);
  scene.receive("cdef");
  EXPECT_EQ(scene.backend().body, "abcdef");
  EXPECT_TRUE(scene.backend().ended);
}

TEST(DownstreamH1, StopsReadingTheEndpointUntilTheClientReads) {
  Scene scene;
  scene.receive(kGet);
  scene.answer_head(200, Framing::kLength, 20'000);
  scene.wire.full = true;
  scene.backend().answer_body(std::string(10'000, 'x'));
  EXPECT_FALSE(scene.backend().credit);
  scene.drain();
  EXPECT_TRUE(scene.backend().credit);
}

// ---- refusals

struct Bad {
  std::string bytes;
  std::string status;
};
class BadHeads : public ::testing::TestWithParam<Bad> {};

TEST_P(BadHeads, AreRefusedAndClosed) {
  Scene scene;
  scene.receive(GetParam().bytes);
  const auto answer = scene.wire.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + GetParam().status + " "));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_FALSE(scene.closed);
  scene.receive("more");
  scene.end();
  EXPECT_TRUE(scene.closed);
  EXPECT_EQ(scene.worker.recorder.records.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    DownstreamH1, BadHeads,
    ::testing::Values(Bad{"GET / HTTP/1.1\r\n\r\n", "400"}, Bad{"\x16\x03\x01", "400"},
                      Bad{"GET / HTTP/1.1\nHost: a\n\n", "400"},
                      Bad{"GET /%00 HTTP/1.1\r\nHost: a.example\r\n\r\n", "400"},
                      Bad{"GET /../.. HTTP/1.1\r\nHost: a.example\r\n\r\n", "400"},
                      Bad{"GET /" + std::string(40'000, 'a') + " HTTP/1.1\r\n", "414"},
                      Bad{"GET / HTTP/1.1\r\nA: " + std::string(70'000, 'a'), "431"},
                      Bad{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
                      Bad{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n",
                          "400"}));

}  // namespace
}  // namespace portico::downstream
