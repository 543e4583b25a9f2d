// A backend's HTTP/2 connection between scripted exchanges and a scripted endpoint, which is
// nghttp2's own server behind a fake socket.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/testing/fake_transport.h"
#include "proxy/http/h2_session.h"
#include "proxy/upstream/h2_connection.h"
#include "proxy/upstream/testing/scene.h"

namespace portico::upstream::testing {

// What the endpoint knows of a request, and how it answers.
struct H2Served final : http::H2StreamEvents {
  bool on_field(std::string_view name, std::string_view value) override {
    fields.append(name).append(": ").append(value).append("\n");
    return true;
  }
  void on_fields_end(bool end_stream) override {
    ++sections;
    ended |= end_stream;
  }
  void on_data(std::span<const char> piece) override { body.append(piece.data(), piece.size()); }
  void on_data_end() override { ended = true; }
  http::H2Supply supply(std::size_t limit) override {
    const auto bytes = std::min(limit, answer.size());
    return {.bytes = bytes,
            .end = answer_ends && bytes == answer.size(),
            .trailers = trailers.empty() ? nullptr : &trailers};
  }
  void take(std::span<char> to) override {
    std::copy_n(answer.data(), to.size(), to.data());
    answer.erase(0, to.size());
  }
  void on_end_sent() override {}
  void on_stream_closed(http::H2Error error) override {
    closed = true;
    reset = error;
  }

  std::string fields, body, answer;
  http::H2FieldList trailers;
  http::H2Error reset = http::H2Error::kNone;
  bool answer_ends = true, ended = false, closed = false;
  int sections = 0;
};

// Members are public: tests play the endpoint and the pool.
struct H2Scene : H2ConnectionOwner, http::H2ConnectionEvents {
  explicit H2Scene(const http::H2Settings& settings = {})
      : server(http::H2Session::Role::kServer, settings, *this) {
    connection = std::make_unique<H2Connection>(loop, options, *this, exchange::EndpointId{0},
                                                nullptr, wire.transport());
    connection->start();
    turn();
  }
  virtual ~H2Scene() = default;

  // The pool
  void on_idle_changed(H2Connection&, bool now_idle) override { idle = now_idle; }
  void on_room(H2Connection&) override {}
  void on_closed(H2Connection&) override {
    closed = true;
    dead = std::move(connection);
  }
  // The endpoint
  http::H2StreamEvents* on_stream_opened(std::int32_t stream) override { return &served[stream]; }
  void on_frame_begins(const http::H2Frame&) override {}
  void on_control_frame(const http::H2Frame& frame) override {
    goaway_seen |= frame.type == http::H2FrameType::kGoaway;
  }
  void on_frame_sent(const http::H2Frame&) override {}

  // Everything moves until nothing does.
  void turn() {
    for (int quiet = 0; quiet < 2;) {
      run_posted();
      const auto sent = std::exchange(wire.written, {});
      bool moved = !sent.empty();
      if (moved) {
        server.receive(sent);
      }
      std::string bytes(std::size_t{64} * 1024, '\0');
      for (std::size_t size; (size = server.send(bytes)) > 0;) {
        wire.receive({bytes.data(), size});
        moved = true;
      }
      moved |= wire.turn();
      quiet = moved ? 0 : quiet + 1;
    }
  }
  void run_posted() {
    bool ran = false;
    loop.post([&ran] { ran = true; });
    loop.run_until([&ran] { return ran; }, std::chrono::seconds(60));
  }
  void pass(int seconds) {
    loop.deadlines().advance(net::DeadlineWheel::Clock::now() + std::chrono::seconds(seconds));
  }

  // A request's head; without a body it is whole.
  void send(FakeExchange& from, bool body_follows = false,
            const exchange::OutgoingRequest& request = {}) {
    auto head = request;
    head.method_text = head.method_text.empty() ? "GET" : head.method_text;
    head.target = "/path?query";
    head.authority = "a.example";
    head.framing = body_follows ? http::Framing::kChunked : http::Framing::kNone;
    head.fields = &fields;
    from.stream = &connection->lend(from);
    from.stream->send_head(head, body_follows);
    from.stream->read_more(true);
    if (!body_follows) {
      from.stream->end(nullptr);
      from.stream->flush();
    }
    turn();
  }
  // The endpoint answers a stream, whole or with more to come.
  void answer(std::int32_t stream, std::string_view status, std::string_view body = {},
              std::string_view length = {}) {
    http::H2FieldList head;
    head.add(":status", status);
    if (!length.empty()) {
      head.add("content-length", length);
    }
    auto& of_stream = served[stream];
    of_stream.answer = body;
    server.submit_head(stream, head,
                       !body.empty() || !of_stream.answer_ends || !of_stream.trailers.empty());
    turn();
  }

  net::Loop loop;
  exchange::Options options;
  exchange::testing::Wire wire;
  http::FieldBlock fields;
  std::map<std::int32_t, H2Served> served;
  http::H2Session server;
  std::unique_ptr<H2Connection> connection, dead;
  bool idle = true, closed = false, goaway_seen = false;
};

}  // namespace portico::upstream::testing
