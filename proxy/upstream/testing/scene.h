// A backend's connection between a scripted exchange and a fake socket.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/exchange/testing/fake_transport.h"
#include "proxy/exchange/testing/fakes.h"
#include "proxy/upstream/h1_connection.h"

namespace portico::upstream::testing {

// What an exchange would do with an answer: writes it down, and releases the stream at its end.
class FakeExchange final : public exchange::ResponseSink {
 public:
  void on_response_head(http::ResponseHead& head) override {
    statuses += std::to_string(head.status) + " ";
    if (release_at_head) {
      release();
    }
  }
  void on_response_body(std::span<const char> piece) override {
    body.append(piece.data(), piece.size());
    if (release_in_body) {
      release();
    }
  }
  void on_response_end(const http::FieldBlock* trailers) override {
    exchange::testing::append_trailers(body, trailers);
    ++ends;
    if (!stay) {
      release();
    }
  }
  void on_response_flush() override { ++flushes; }
  void on_upstream_writable() override { ++drains; }
  void on_upstream_error(const routing::ProxyError& error) override {
    errors.push_back(error);
    release();
  }
  void release() { std::exchange(stream, nullptr)->release(); }

  exchange::ClientStream* stream = nullptr;
  bool stay = false;  // a tunnel goes on after one side's end
  bool release_at_head = false;
  bool release_in_body = false;
  std::string statuses, body;
  int ends = 0, flushes = 0, drains = 0;
  std::vector<routing::ProxyError> errors;
};

// Members are public: tests play the endpoint and the pool.
struct Scene : ConnectionOwner {
  virtual ~Scene() = default;
  Scene() {
    connection = std::make_unique<H1Connection>(loop, options, *this, exchange::EndpointId{0},
                                                nullptr, wire.transport());
    connection->start();
    turn();
  }
  void on_idle(H1Connection&, std::unique_ptr<Lease> back) override {
    idle = true;
    lease = std::move(back);
  }
  void on_closed(H1Connection&) override {
    idle = false;
    closed = true;
    dead = std::move(connection);
  }

  void turn() {
    while (wire.turn()) {
    }
  }
  void lend(FakeExchange& to) {
    idle = false;
    to.stream = connection.get();
    connection->lend(
        to, lease != nullptr ? std::move(lease) : std::make_unique<Lease>(options.head_limits));
  }
  // A request without a body, sent whole.
  void send(FakeExchange& to, http::Method method = http::Method::kGet,
            std::string_view text = "GET") {
    lend(to);
    fields.clear();
    connection->send_head({.method = method,
                           .method_text = text,
                           .target = "/",
                           .authority = "a.example",
                           .upgrade = upgrade,
                           .fields = &fields},
                          false);
    connection->read_more(true);
    connection->end(nullptr);
    turn();
  }
  void receive(std::string_view bytes) {
    wire.receive(bytes);
    turn();
  }
  void pass(int seconds) {
    loop.deadlines().advance(net::DeadlineWheel::Clock::now() + std::chrono::seconds(seconds));
  }

  net::Loop loop;
  exchange::Options options;
  exchange::testing::Wire wire;
  http::FieldBlock fields;
  std::string_view upgrade;
  std::unique_ptr<Lease> lease;
  std::unique_ptr<H1Connection> connection, dead;
  bool idle = false, closed = false;
};

inline constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

}  // namespace portico::upstream::testing
