// How streams and connections of HTTP/2 end, where an end is easily lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/downstream/h2_connection.h"
#include "proxy/downstream/testing/h2_scene.h"

namespace portico::downstream {
namespace {

using http::Framing;
using http::H2Error;
using testing::H2Scene;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(DownstreamH2End, GivesUpAStreamWhoseEndFindsNoWindow) {
  H2Scene scene({}, {.stream_window = 5'000});
  auto& stream = scene.get();
  stream.reads = false;
  scene.turn();
  scene.backend().answer_head(200);
  scene.backend().answer_body(std::string(5'000, 'x'));
  scene.backend().answer_end();
  scene.turn();
  EXPECT_EQ(stream.body.size(), 5'000U);
  ASSERT_FALSE(stream.closed) << "its end fits into no window";
  scene.pass(62);
  scene.pass(130);
  EXPECT_TRUE(stream.closed);
}

TEST(DownstreamH2End, EndsAStreamWhoseEndFindsItsWindowLater) {
  H2Scene scene({}, {.stream_window = 5'000});
  auto& stream = scene.get();
  stream.reads = false;
  scene.turn();
  scene.backend().answer_head(200);
  scene.backend().answer_body(std::string(5'000, 'x'));
  scene.backend().answer_end();
  scene.turn();
  scene.client.consume(stream.id, 5'000);
  scene.turn();
  EXPECT_TRUE(stream.ended && stream.closed);
  EXPECT_EQ(stream.reset_by, H2Error::kNone);
}

TEST(DownstreamH2End, GivesBackTheWindowOfStreamsThatTheClientReset) {
  H2Scene scene;
  scene.worker.upstreams.warm = false;  // nobody takes their bodies
  for (int i = 0; i < 10; ++i) {
    auto& stream = scene.post(std::string(100'000, 'b'), false);
    scene.turn();
    scene.client.reset(stream.id, H2Error::kCancel);
    scene.turn();
  }
  scene.worker.upstreams.warm = true;
  scene.post(std::string(100'000, 'b'));
  scene.turn();
  EXPECT_EQ(scene.backend().body.size(), 100'000U);
}

TEST(DownstreamH2End, ServesNoStreamThatItsGoawaySaysIsNotServed) {
  H2Scene scene;
  auto& first = scene.get("/first");
  scene.turn();
  auto& late = scene.get("/late");
  const auto crossing = scene.client_output();
  scene.connection->drain();
  scene.worker.run_posted();
  scene.client.receive(scene.wire.take());
  const auto acknowledgement = scene.client_output();
  scene.wire.receive(acknowledgement + crossing);
  scene.turn();
  EXPECT_EQ(scene.requests(), 1U);
  EXPECT_EQ(late.reset_by, H2Error::kRefusedStream);
  scene.answer("one");
  EXPECT_EQ(first.body, "one");
  EXPECT_TRUE(scene.wire.finished);
}

// As in a drain no client is given less time to read than otherwise.
TEST(DownstreamH2End, WaitsInADrainForAClientThatDoesNotReadJustNow) {
  H2Scene scene;
  auto& stream = scene.get();
  scene.turn();
  scene.wire.full = true;
  scene.backend().answer_head(200);
  scene.backend().answer_body(std::string(60'000, 'x'));
  scene.backend().answer_end();
  scene.turn();
  scene.connection->drain();
  scene.pass(5);
  ASSERT_FALSE(scene.closed);
  scene.drain();
  EXPECT_EQ(stream.body.size(), 60'000U);
  EXPECT_TRUE(stream.ended);
  EXPECT_TRUE(scene.wire.finished);
}

// It is the socket's progress that counts then, not the stream's.
TEST(DownstreamH2End, SparesAStreamWhileTheSocketIsFullAndItsClientReads) {
  H2Scene scene;
  scene.get();
  scene.turn();
  scene.wire.full = true;
  scene.backend().answer_head(200);
  for (int i = 0; i < 3; ++i) {
    scene.backend().answer_body(std::string(10'000, 'x'));
  }
  scene.turn();
  scene.wire.takes = 1;
  for (const int seconds : {62, 130, 200}) {
    scene.pass(seconds);
    EXPECT_FALSE(scene.backend().released()) << seconds;
  }
  scene.wire.takes = 0;
  scene.pass(300);
  EXPECT_TRUE(scene.wire.reset) << "it has stopped";
}

TEST(DownstreamH2End, TellsAWebSocketsEndpointThatTheClientHasEnded) {
  H2Scene scene;
  scene.open({{":method", "CONNECT"},
              {":protocol", "websocket"},
              {":scheme", "http"},
              {":path", "/"},
              {":authority", "a.example"}});
  scene.turn();
  ASSERT_EQ(scene.requests(), 1U);
  scene.backend().answer_head(101, Framing::kNone, 0, "websocket");
  scene.turn();
  EXPECT_TRUE(scene.backend().ended);
}

TEST(DownstreamH2End, PassesAHeadAsLargeAsHeadsMayBe) {
  H2Scene scene;
  auto& stream = scene.get();
  scene.turn();
  scene.backend().answer_head(200, Framing::kLength, 2, {},
                              {{"x-large", std::string(65'400, 'v')}});
  scene.backend().answer_body("ok");
  scene.backend().answer_end();
  scene.turn();
  EXPECT_EQ(stream.status, "200");
  EXPECT_EQ(stream.body, "ok");
  EXPECT_TRUE(stream.ended);
}

// Of the compressed body nobody knows the length before it is made.
TEST(DownstreamH2End, DescribesNoLengthOfABodyThatWouldBeCompressed) {
  H2Scene scene;
  auto compression = std::make_shared<routing::CompressionSettings>();
  compression->gzip.enabled = true;
  auto config = std::make_shared<exchange::Config>(scene.worker.context.config->config());
  config->compression = std::move(compression);
  scene.worker.adopt(std::move(config));
  auto& stream = scene.request("HEAD", "/", {{"accept-encoding", "gzip"}});
  scene.turn();
  scene.backend().answer_head(200, Framing::kNone, 0, {},
                              {{"Content-Length", "70000"}, {"Content-Type", "text/html"}});
  scene.backend().answer_end();
  scene.turn();
  EXPECT_THAT(stream.fields, HasSubstr("content-encoding: gzip"));
  EXPECT_THAT(stream.fields, Not(HasSubstr("content-length")));
}

}  // namespace
}  // namespace portico::downstream
