// One exchange between scripted neighbours.
#pragma once

#include <memory>
#include <string_view>

#include <gtest/gtest.h>

#include "proxy/exchange/exchange.h"
#include "proxy/exchange/testing/config.h"
#include "proxy/exchange/testing/fakes.h"

namespace portico::exchange::testing {

inline constexpr routing::ProxyError kClientGone{
    .status = 0, .side = routing::ErrorSide::kDownstream, .reason = "connection reset by the peer"};

inline std::shared_ptr<const Config> shop(const routing::Policy& policy = {}) {
  return ConfigBuilder()
      .backend("default/web:80", {8001, 8002})
      .route("shop.example.com", "/", "default/web:80", policy)
      .build();
}

// Members are public: tests play every neighbour.
struct Scene {
  explicit Scene(std::shared_ptr<const Config> config = shop()) : worker(std::move(config)) {
    connection.peer = *net::SocketAddress::parse("192.0.2.7:40000");
    get("/");
  }
  void get(std::string_view target, http::Method method = http::Method::kGet,
           std::string_view text = "GET") {
    head.clear();
    head.method = method;
    head.method_text = text;
    head.target = target;
    head.authority = "Shop.example.com:8080";
    field("Host", head.authority);
  }
  void post(http::Framing framing, std::uint64_t content_length = 0) {
    get("/", http::Method::kPost, "POST");
    head.framing = framing;
    head.content_length = content_length;
  }
  void websocket() {
    get("/");
    head.upgrade = "websocket";
  }
  void field(std::string_view name, std::string_view value) {
    head.fields.add(http::field_id(name), name, value);
  }
  void start() { exchange.start(client, head, connection); }
  // A tunnel that is open.
  void start_tunnel() {
    websocket();
    start();
    backend().answer_head(101, http::Framing::kNone, 0, "websocket");
  }
  FakeEndpointStream& backend() { return worker.upstreams.last(); }
  const Kept& record() {
    EXPECT_EQ(worker.recorder.records.size(), 1U);
    return worker.recorder.records.front();
  }
  // Over, told once to everybody, and nothing is held.
  void expect_finished() {
    EXPECT_EQ(client.finishes, 1);
    EXPECT_EQ(worker.recorder.records.size(), 1U);
    EXPECT_FALSE(worker.upstreams.connecting());
    for (const auto& stream : worker.upstreams.streams) {
      EXPECT_TRUE(stream->released());
    }
    EXPECT_TRUE(worker.context.pinned.empty());
  }

  FakeWorker worker;
  FakeClient client;
  http::RequestHead head;
  net::TransportInfo connection;
  Exchange exchange{worker.context};
};

}  // namespace portico::exchange::testing
