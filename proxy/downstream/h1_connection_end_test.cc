#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/downstream/h1_connection.h"
#include "proxy/downstream/testing/scene.h"

namespace portico::downstream {
namespace {

using http::Framing;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::kGet;
using testing::ok;
using testing::Scene;
using ::testing::StartsWith;

// ---- deadlines

TEST(DownstreamH1End, ClosesAConnectionThatNeverSpeaks) {
  Scene scene;
  scene.pass(61);
  EXPECT_TRUE(scene.closed);
  EXPECT_EQ(scene.wire.take(), "");
}

TEST(DownstreamH1End, AnswersAnUnfinishedHeadWith408) {
  Scene scene;
  scene.receive("GET / HT");
  scene.pass(61);
  EXPECT_THAT(scene.wire.take(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(scene.wire.finished);
}

TEST(DownstreamH1End, AnswersABodyThatDoesNotComeWith408) {
  Scene scene;
  scene.receive("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nab");
  scene.pass(62);
  EXPECT_THAT(scene.wire.take(), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(scene.worker.recorder.records.front().status, 408);
}

TEST(DownstreamH1End, ClosesAnIdleConnectionSilently) {
  Scene scene;
  scene.receive(kGet);
  scene.answer("x");
  scene.wire.take();
  scene.pass(70);
  EXPECT_FALSE(scene.closed);
  scene.pass(76);
  EXPECT_TRUE(scene.closed);
  EXPECT_EQ(scene.wire.take(), "");
}

TEST(DownstreamH1End, CutsAClientThatReadsTooSlowly) {
  Scene scene;
  scene.receive(kGet);
  scene.wire.full = true;
  scene.answer_head(200, Framing::kUntilClose);
  scene.backend().answer_body(std::string(10'000, 'x'));
  scene.pass(61);
  EXPECT_TRUE(scene.wire.reset);
  EXPECT_EQ(scene.worker.recorder.records.front().reason, "client reads too slowly");
}

// It is progress that counts, not how long all that waits takes.
TEST(DownstreamH1End, SparesASlowClientAsLongAsItReads) {
  Scene scene;
  scene.receive(kGet);
  scene.wire.full = true;
  scene.answer_head(200, Framing::kUntilClose);
  scene.backend().answer_body(std::string(10'000, 'x'));
  scene.wire.takes = 1;
  scene.wire.take();
  scene.pass(70);
  EXPECT_GE(scene.wire.take().size(), 2U) << "nobody has looked";
  EXPECT_FALSE(scene.closed);
  scene.wire.takes = 0;
  scene.pass(71);
  EXPECT_TRUE(scene.wire.reset) << "it has stopped";
}

TEST(DownstreamH1End, SparesASlowReaderOfALastAnswerToo) {
  Scene scene;
  scene.receive("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
  scene.wire.full = true;
  scene.answer_head(200, Framing::kUntilClose);
  scene.backend().answer_body(std::string(100, 'x'));
  scene.backend().answer_end();
  scene.wire.takes = 1;
  scene.pass(61);
  EXPECT_FALSE(scene.closed);
  scene.drain();
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_FALSE(scene.wire.reset);
}

TEST(DownstreamH1End, JudgesASlowReaderWhoseOwnBodyHasEnded) {
  Scene scene;
  scene.receive("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nab");
  scene.wire.full = true;
  scene.answer_head(200, Framing::kUntilClose);
  scene.backend().answer_body(std::string(10'000, 'x'));
  scene.receive("cd");
  scene.pass(61);
  EXPECT_TRUE(scene.wire.reset);
}

TEST(DownstreamH1End, ResetsWhereTheLastBytesOfAnAnswerAreNotRead) {
  Scene scene;
  scene.receive("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
  scene.wire.full = true;
  scene.answer_head(200, Framing::kUntilClose);
  scene.backend().answer_body("abc");
  scene.backend().answer_end();
  scene.pass(61);
  EXPECT_TRUE(scene.wire.reset) << "a plain close would make it look whole";
}

// ---- what was written leaves before the close

TEST(DownstreamH1End, KeepsAnAnswerThatWaitsWhenTheClientEndsItsSide) {
  Scene scene;
  scene.wire.full = true;
  scene.receive(kGet);
  scene.answer("x");
  scene.end();
  EXPECT_FALSE(scene.wire.lost);
  scene.drain();
  EXPECT_EQ(scene.wire.take(), ok("x"));
  EXPECT_TRUE(scene.closed);
}

TEST(DownstreamH1End, KeepsAnAnswerThatWaitsWhenTheWorkerDrains) {
  Scene scene;
  scene.wire.full = true;
  scene.receive(kGet);
  scene.answer("x");
  scene.worker.context.draining = true;
  scene.connection->drain();
  EXPECT_FALSE(scene.wire.lost);
  scene.drain();
  EXPECT_EQ(scene.wire.take(), ok("x"));
  EXPECT_TRUE(scene.closed);
}

TEST(DownstreamH1End, KeepsAnAnswerThatBeganBeforeTheDrain) {
  Scene scene;
  scene.receive(kGet);
  scene.answer_head(200, Framing::kLength, 1);
  scene.wire.full = true;
  scene.worker.context.draining = true;
  scene.connection->drain();
  scene.backend().answer_body("x");
  scene.backend().answer_end();
  EXPECT_FALSE(scene.wire.lost);
  scene.drain();
  EXPECT_THAT(scene.wire.take(), EndsWith("\r\n\r\nx"));
}

// ---- drain

TEST(DownstreamH1End, ClosesIdleConnectionsAtOnceWhenDraining) {
  Scene scene;
  scene.receive(kGet);
  scene.answer("x");
  scene.worker.context.draining = true;
  scene.connection->drain();
  EXPECT_TRUE(scene.closed);
  EXPECT_FALSE(scene.wire.reset);
}

TEST(DownstreamH1End, ServesTheFirstRequestOfAFreshConnectionWhileDraining) {
  Scene scene;
  scene.worker.context.draining = true;
  scene.connection->drain();
  EXPECT_FALSE(scene.closed);
  scene.receive(kGet);
  scene.answer("x");
  EXPECT_EQ(scene.wire.take(), ok("x", "Connection: close\r\n"));
}

TEST(DownstreamH1End, WaitsFiveSecondsForAFreshConnectionWhileDraining) {
  Scene asked;
  asked.worker.context.draining = true;
  asked.connection->drain();
  asked.pass(6);
  EXPECT_TRUE(asked.closed);

  Scene late;
  late.connection->close();
  late.worker.context.draining = true;
  exchange::testing::Wire wire;
  H1Connection born_draining(late.worker.context, late.slots, late, wire.transport());
  late.closed = false;
  born_draining.start();
  late.pass(6);
  EXPECT_TRUE(wire.closed);
}

TEST(DownstreamH1End, TellsActiveClientsToCloseWhileDraining) {
  Scene scene;
  scene.receive(kGet);
  scene.worker.context.draining = true;
  scene.connection->drain();
  EXPECT_FALSE(scene.closed);
  scene.answer("x");
  EXPECT_EQ(scene.wire.take(), ok("x", "Connection: close\r\n"));
  EXPECT_TRUE(scene.closed) << "a drain does not wait for what an answered client may still send";
  EXPECT_FALSE(scene.wire.reset);
}

TEST(DownstreamH1End, ClosesBehindAnAnswerWhoseHeadWentBeforeTheDrain) {
  Scene scene;
  scene.receive(kGet);
  scene.answer_head(200, Framing::kLength, 1);
  scene.worker.context.draining = true;
  scene.connection->drain();
  scene.backend().answer_body("x");
  scene.backend().answer_end();
  EXPECT_THAT(scene.wire.take(), EndsWith("\r\n\r\nx"));
  EXPECT_TRUE(scene.closed);
}

TEST(DownstreamH1End, ClosesLingeringConnectionsAtOnceWhenDraining) {
  Scene scene;
  scene.receive("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
  scene.answer("x");
  EXPECT_FALSE(scene.closed);
  scene.worker.context.draining = true;
  scene.connection->drain();
  EXPECT_TRUE(scene.closed);
}

// Closing over what was not read would reset the connection, under the answer on its way.
TEST(DownstreamH1End, LingersInADrainWhereMoreRequestsHaveCome) {
  Scene scene;
  scene.worker.context.draining = true;
  scene.receive(std::string(kGet) + std::string(kGet));
  scene.answer("x");
  EXPECT_FALSE(scene.closed);
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_THAT(scene.wire.take(), HasSubstr("Connection: close"));
  scene.end();
  EXPECT_TRUE(scene.closed);
  EXPECT_FALSE(scene.wire.reset);
}

// A client that reads only when it has sent everything gets its answer too.
TEST(DownstreamH1End, WaitsForAClientThatGoesOnSendingWhatWasRefused) {
  for (const int limit : {30, 3}) {
    Scene scene;
    scene.worker.options.linger_limit = std::chrono::seconds(limit);
    scene.receive("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000000\r\n\r\n");
    EXPECT_THAT(scene.wire.take(), StartsWith("HTTP/1.1 413 "));
    EXPECT_TRUE(scene.wire.finished);
    scene.receive(std::string(1000, 'x'));
    scene.pass(4);
    EXPECT_EQ(scene.closed, limit < 4) << "but not for ever";
    if (!scene.closed) {
      scene.pass(6);
      EXPECT_TRUE(scene.closed) << "nor in vain";
    }
  }
}

// Each arrival puts the deadline off, so that it may never fire.
TEST(DownstreamH1End, ClosesUponAClientThatNeverStopsSending) {
  Scene scene;
  scene.worker.options.linger_limit = std::chrono::seconds(0);
  scene.receive("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000000\r\n\r\n");
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_FALSE(scene.closed);
  scene.receive("x");
  EXPECT_TRUE(scene.closed);
}

TEST(DownstreamH1End, LingersEvenInADrainWhereARequestWasCutShort) {
  Scene scene;
  scene.worker.context.draining = true;
  scene.receive("POST / HTTP/1.1\r\nHost: b.example\r\nContent-Length: 1000000\r\n\r\nab");
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_FALSE(scene.closed) << "a reset would take the answer away";
}

TEST(DownstreamH1End, TakesNoRequestBehindARefusedConnect) {
  Scene scene;
  scene.receive("CONNECT a.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n" + std::string(kGet));
  EXPECT_THAT(scene.wire.take(), StartsWith("HTTP/1.1 405 "));
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_EQ(scene.worker.recorder.records.size(), 1U);
}

// ---- tunnels

constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

TEST(DownstreamH1End, TunnelsBytesThatCameBehindTheUpgrade) {
  Scene scene;
  scene.receive(std::string(kUpgrade) + "early");
  EXPECT_EQ(scene.backend().body, "");
  scene.backend().answer_head(101, Framing::kNone, 0, "websocket");
  scene.turn();
  EXPECT_EQ(scene.backend().body, "early");
  scene.backend().answer_body("pong");
  scene.backend().answer_flush();
  EXPECT_EQ(scene.wire.take(),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
            "pong");
}

TEST(DownstreamH1End, TellsATunnelOfAnEndThatCameBeforeIt) {
  Scene scene;
  scene.receive(kUpgrade);
  scene.end();
  scene.backend().answer_head(101, Framing::kNone, 0, "websocket");
  scene.turn();
  EXPECT_TRUE(scene.backend().ended);
  scene.backend().answer_body("bye");
  scene.backend().answer_end();
  EXPECT_THAT(scene.wire.take(), EndsWith("bye"));
  EXPECT_TRUE(scene.closed);
}

TEST(DownstreamH1End, HalfClosesATunnelFromTheEndpointsSide) {
  Scene scene;
  scene.receive(kUpgrade);
  scene.backend().answer_head(101, Framing::kNone, 0, "websocket");
  scene.turn();
  scene.backend().answer_end();
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_FALSE(scene.closed);
  scene.receive("late");
  EXPECT_EQ(scene.backend().body, "late");
  scene.end();
  EXPECT_TRUE(scene.closed);
  EXPECT_FALSE(scene.wire.reset);
}

// ---- the end, at any time

TEST(DownstreamH1End, RecordsAClientThatWasReset) {
  Scene scene;
  scene.receive(kGet);
  scene.wire.fail(net::TransportError::kReset);
  EXPECT_TRUE(scene.closed);
  EXPECT_EQ(scene.worker.recorder.records.front().status, 499);
  EXPECT_TRUE(scene.worker.upstreams.last().released());
}

const std::vector<std::function<void(Scene&)>>& script() {
  static const std::vector<std::function<void(Scene&)>> kScript{
      [](Scene&) {},
      [](Scene& s) { s.receive("POST / HTTP/1.1\r\nHost: a.example\r\n"); },
      [](Scene& s) { s.receive("Transfer-Encoding: chunked\r\n\r\n"); },
      [](Scene& s) { s.receive("3\r\nab"); },
      [](Scene& s) { s.answer_head(200, Framing::kChunked); },
      [](Scene& s) { s.wire.full = true; },
      [](Scene& s) { s.backend().answer_body(std::string(9000, 'x')); },
      [](Scene& s) { s.receive("c\r\n0\r\n\r\n"); },
      [](Scene& s) { s.backend().answer_end(); },
      [](Scene& s) { s.drain(); },
      [](Scene& s) {
        s.receive("POST / HTTP/1.1\r\nHost: b.example\r\nContent-Length: 9\r\n\r\n");
      },
      [](Scene& s) { s.receive("GARBAGE\r\n"); },
      [](Scene& s) { s.receive("nonsense\r\n\r\n"); },
  };
  return kScript;
}

TEST(DownstreamH1End, CanBeDestroyedAtAnyTime) {
  for (std::size_t last = 0; last < script().size(); ++last) {
    Scene scene;
    for (std::size_t i = 0; i <= last; ++i) {
      script()[i](scene);
    }
    scene.connection.reset();
    EXPECT_TRUE(scene.wire.destroyed);
    if (!scene.worker.upstreams.streams.empty()) {
      EXPECT_TRUE(scene.worker.upstreams.last().released()) << "after step " << last;
    }
    EXPECT_TRUE(scene.worker.context.pinned.empty());
  }
}

TEST(DownstreamH1End, EndsCleanlyWhateverHappensWherever) {
  const std::vector<std::function<void(Scene&)>> events{
      [](Scene& s) { s.wire.fail(net::TransportError::kReset); },
      [](Scene& s) { s.end(); },
      [](Scene& s) { s.pass(200); },
      [](Scene& s) {
        s.worker.context.draining = true;
        s.connection->drain();
      },
      [](Scene& s) { s.connection->close(); },
      [](Scene& s) {
        if (s.has_request()) {
          s.backend().fail(routing::upstream_error::kClosedInAnswer);
        }
      },
      [](Scene& s) { s.worker.adopt(testing::ConfigBuilder().build()); },
  };
  for (std::size_t event = 0; event < events.size(); ++event) {
    for (std::size_t at = 0; at < script().size(); ++at) {
      SCOPED_TRACE("event " + std::to_string(event) + " after step " + std::to_string(at));
      Scene scene;
      // The script's own steps end where the exchange that they speak of is over.
      for (std::size_t i = 0; i <= at; ++i) {
        script()[i](scene);
      }
      events[event](scene);
      scene.drain();
      for (int seconds = 300; seconds < 1000 && !scene.closed; seconds += 100) {
        scene.pass(seconds);
        scene.drain();
      }
      EXPECT_TRUE(scene.closed) << "nothing keeps it for ever";
      EXPECT_TRUE(scene.worker.context.pinned.empty());
      scene.worker.run_posted();
    }
  }
}

}  // namespace
}  // namespace portico::downstream
