// A client's connection between a fake socket and scripted endpoints.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "proxy/downstream/h1_connection.h"
#include "proxy/exchange/testing/config.h"
#include "proxy/exchange/testing/fake_transport.h"
#include "proxy/exchange/testing/fakes.h"

namespace portico::downstream::testing {

using exchange::testing::ConfigBuilder;
using http::Framing;

// Members are public: tests play the client, the endpoints and the worker.
struct Scene final : ConnectionOwner {
  explicit Scene(const routing::Policy& policy = {})
      : worker(
            ConfigBuilder().backend("web", {8001}).route("a.example", "/", "web", policy).build()) {
    start();
  }
  ~Scene() {
    connection.reset();
    reaper.free_all();
  }
  void start() {
    connection = std::make_unique<H1Connection>(worker.context, slots, *this, wire.transport());
    connection->start();
    turn();
  }
  void on_closed(Connection&) override {
    closed = true;
    reaper.take(std::move(connection));
  }

  void serve_h2(std::unique_ptr<net::Transport> transport) override {
    h2_transport = std::move(transport);
  }

  // What the loop would do with what is due.
  void turn() {
    while (wire.turn()) {
    }
  }
  void receive(std::string_view bytes) {
    wire.receive(bytes);
    turn();
  }
  void end() {
    wire.end();
    turn();
  }
  void drain() {
    wire.drain();
    turn();
  }
  void pass(int seconds) {
    worker.pass(std::chrono::seconds(seconds));
    turn();
  }

  [[nodiscard]] bool has_request() const {
    return !worker.upstreams.streams.empty() && !worker.upstreams.streams.back()->released();
  }
  exchange::testing::FakeEndpointStream& backend() {
    EXPECT_TRUE(has_request());
    return worker.upstreams.last();
  }
  // The endpoint's answer with the fields that make it the same every day.
  void answer_head(std::uint16_t status, Framing framing, std::uint64_t length = 0,
                   std::string_view content_length = {}) {
    std::vector<std::pair<std::string, std::string>> fields{{"Date", "then"}};
    if (!content_length.empty()) {
      fields.emplace_back("Content-Length", content_length);
    }
    backend().answer_head(status, framing, length, {}, fields);
  }
  void answer(std::string_view text) {
    answer_head(200, Framing::kLength, text.size());
    if (!text.empty()) {
      backend().answer_body(text);
    }
    backend().answer_end();
    turn();
  }
  // Answers every whole request with its own text, as they come.
  void echo() {
    while (has_request() && backend().ended) {
      answer(backend().head + "[" + backend().body + "]");
    }
  }

  exchange::testing::FakeWorker worker;
  exchange::Reaper reaper{worker.loop};
  Slots slots{worker.context, reaper};
  exchange::testing::Wire wire;
  std::unique_ptr<H1Connection> connection;
  std::unique_ptr<net::Transport> h2_transport;  // handed over
  bool closed = false;
};

inline constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
inline constexpr std::string_view kHead = "Server: portico\r\nDate: then\r\n";

inline std::string ok(std::string_view text, std::string_view more = {}) {
  return "HTTP/1.1 200 OK\r\nServer: portico\r\nDate: then\r\nContent-Length: " +
         std::to_string(text.size()) + "\r\n" + std::string(more) + "\r\n" + std::string(text);
}

}  // namespace portico::downstream::testing
