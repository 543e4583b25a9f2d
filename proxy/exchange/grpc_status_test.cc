#include "proxy/exchange/grpc_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/exchange/testing/scene.h"

namespace portico::exchange {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Grpc, IsKnownByItsContentType) {
  for (const auto* type : {"application/grpc", "application/grpc+proto", "Application/gRPC; a=b"}) {
    EXPECT_TRUE(is_grpc(type)) << type;
  }
  for (const auto* type : {"", "application/json", "application/grpc-web", "application/grpcx"}) {
    EXPECT_FALSE(is_grpc(type)) << type;
  }
}

TEST(Grpc, StatusesFollowTheTable) {
  for (const auto& [http, grpc] : {std::pair{400, "13"},
                                   {401, "16"},
                                   {403, "7"},
                                   {404, "12"},
                                   {405, "2"},
                                   {413, "8"},
                                   {431, "8"},
                                   {429, "14"},
                                   {500, "2"},
                                   {502, "14"},
                                   {503, "14"},
                                   {504, "14"}}) {
    EXPECT_EQ(grpc_status_of(static_cast<std::uint16_t>(http)), grpc) << http;
  }
}

TEST(Grpc, OwnErrorsAreToldAsTrailersOnly) {
  testing::Scene scene;
  scene.worker.upstreams.warm = false;
  scene.post(http::Framing::kChunked);
  scene.field("Content-Type", "application/grpc+proto");
  scene.start();
  for (int tries = 0; tries < routing::kMaxTries; ++tries) {
    scene.worker.upstreams.refuse(routing::upstream_error::kConnectRefused);
  }
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_THAT(scene.client.fields, HasSubstr("grpc-status: 14\n"));
  EXPECT_THAT(scene.client.fields, HasSubstr("grpc-message: 502 Bad Gateway\n"));
  EXPECT_THAT(scene.client.fields, HasSubstr("Content-Type: application/grpc\n"));
  EXPECT_EQ(scene.client.body, "");
  EXPECT_EQ(scene.client.content_length, 0U);
  EXPECT_TRUE(scene.client.ended);
  EXPECT_EQ(scene.record().reason, routing::upstream_error::kConnectRefused.reason);
  EXPECT_EQ(scene.record().status, 200);
  EXPECT_EQ(scene.record().meant_status, 502);
}

TEST(Grpc, AnAnswerOfTheBackendsIsMeantAsItIs) {
  testing::Scene scene;
  scene.post(http::Framing::kChunked);
  scene.field("Content-Type", "application/grpc");
  scene.start();
  scene.backend().answer(200, "message");
  EXPECT_EQ(scene.record().meant_status, 0);
}

TEST(Grpc, AnUnknownHostIsUnimplemented) {
  testing::Scene scene;
  scene.post(http::Framing::kChunked);
  scene.head.authority = "elsewhere.example.com";
  scene.field("Content-Type", "application/grpc");
  scene.start();
  EXPECT_THAT(scene.client.fields, HasSubstr("grpc-status: 12\n"));
}

TEST(Grpc, AMisdirectedCallIsToldByHTTP) {
  testing::Scene scene;
  scene.post(http::Framing::kNone);
  scene.field("Content-Type", "application/grpc");
  scene.exchange.refuse(scene.client, scene.head, scene.connection,
                        {.status = 421, .reason = "another host's"});
  EXPECT_EQ(scene.client.status, 421);
  EXPECT_THAT(scene.client.fields, Not(HasSubstr("grpc")));
}

TEST(Grpc, OthersGetPages) {
  testing::Scene scene;
  scene.get("/");
  scene.head.authority = "elsewhere.example.com";
  scene.start();
  EXPECT_EQ(scene.client.status, 404);
  EXPECT_THAT(scene.client.fields, Not(HasSubstr("grpc")));
}

// GOAWAY and REFUSED_STREAM: nothing was done, so even what must not be done twice is tried again.
TEST(NotProcessed, IsTriedAgainWhateverTheMethod) {
  testing::Scene scene;
  scene.post(http::Framing::kChunked);
  scene.start();
  EXPECT_TRUE(scene.client.credit);
  scene.backend().fail(routing::upstream_error::kNotProcessed);
  EXPECT_FALSE(scene.client.credit) << "nobody is there to take the body";
  ASSERT_TRUE(scene.worker.upstreams.connecting());
  scene.worker.upstreams.connected();
  EXPECT_TRUE(scene.client.credit);
  scene.exchange.on_request_body(testing::bytes_of("body"));
  scene.exchange.on_request_end(nullptr);
  EXPECT_EQ(scene.backend().body, "body");
  scene.backend().answer(200, "done");
  EXPECT_EQ(scene.client.status, 200);
  scene.expect_finished();
}

TEST(NotProcessed, IsGivenUpOnceTheBodyHasBegun) {
  testing::Scene scene;
  scene.post(http::Framing::kChunked);
  scene.start();
  scene.exchange.on_request_body(testing::bytes_of("body"));
  scene.backend().fail(routing::upstream_error::kNotProcessed);
  EXPECT_EQ(scene.client.status, 502);
}

}  // namespace
}  // namespace portico::exchange
