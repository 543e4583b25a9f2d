// A client's HTTP/2 connection between a fake socket, on whose other end nghttp2 plays the client,
// and scripted endpoints.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/downstream/h2_connection.h"
#include "proxy/exchange/testing/config.h"
#include "proxy/exchange/testing/fake_transport.h"
#include "proxy/exchange/testing/fakes.h"
#include "proxy/http/h2_session.h"

namespace portico::downstream::testing {

using exchange::testing::ConfigBuilder;
using http::Framing;
using http::H2Error;

// What a client sent and saw of one stream.
struct ClientStream final : http::H2StreamEvents {
  bool on_field(std::string_view name, std::string_view value) override {
    if (name == ":status") {
      status = std::string(value);
    } else if (name != "server" && name != "date") {
      fields.append(name).append(": ").append(value).append("\n");
    }
    return true;
  }
  void on_fields_end(bool end_stream) override {
    heads += status + " ";
    ended |= end_stream;
  }
  void on_data(std::span<const char> piece) override {
    body.append(piece.data(), piece.size());
    if (reads) {
      session->consume(id, piece.size());
    }
  }
  void on_data_end() override { ended = true; }
  http::H2Supply supply(std::size_t limit) override {
    const auto bytes = std::min(to_send.size(), limit);
    const bool end = ends && bytes == to_send.size();
    return {.bytes = bytes, .end = end, .trailers = end ? &trailers : nullptr};
  }
  void take(std::span<char> to) override {
    to_send.copy(to.data(), to.size());
    to_send.erase(0, to.size());
  }
  void on_end_sent() override {}
  void on_stream_closed(H2Error error) override {
    closed = true;
    reset_by = error;
  }

  http::H2Session* session = nullptr;
  std::int32_t id = 0;
  bool reads = true;  // gives window back
  std::string to_send;
  bool ends = true;
  http::H2FieldList trailers;
  std::string status, heads, fields, body;
  bool ended = false;
  bool closed = false;
  H2Error reset_by = H2Error::kNone;
};

// Members are public: tests play the client, the endpoints and the worker.
struct H2Scene final : ConnectionOwner, http::H2ConnectionEvents {
  using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

  // kDeaf: the client looks at nothing, not even at the settings.
  enum class Hearing : bool { kDeaf, kHears };

  explicit H2Scene(const routing::Policy& policy = {}, const http::H2Settings& settings = {},
                   Hearing hearing = Hearing::kHears)
      : worker(
            ConfigBuilder().backend("web", {8001}).route("a.example", "/", "web", policy).build()),
        client(http::H2Session::Role::kClient, settings, *this),
        deaf(hearing == Hearing::kDeaf) {
    connection = std::make_unique<H2Connection>(h2_streams, *this, wire.transport());
    connection->start();
    turn();
  }
  ~H2Scene() {
    if (connection != nullptr) {
      connection->close();
    }
    reaper.free_all();
  }

  void on_closed(Connection&) override {
    closed = true;
    reaper.take(std::move(connection));
  }
  void serve_h2(std::unique_ptr<net::Transport>) override {}

  http::H2StreamEvents* on_stream_opened(std::int32_t) override { return nullptr; }
  void on_frame_begins(const http::H2Frame&) override {}
  void on_control_frame(const http::H2Frame& frame) override {
    if (frame.type == http::H2FrameType::kGoaway) {
      goaways.push_back(frame);
    }
  }
  void on_frame_sent(const http::H2Frame&) override {}

  // ---- the client
  ClientStream& open(const Fields& fields, bool body_follows = false) {
    auto& stream = *client_streams.emplace_back(std::make_unique<ClientStream>());
    stream.session = &client;
    http::H2FieldList list;
    for (const auto& [name, value] : fields) {
      list.add(name, value);
    }
    stream.id = client.submit_request(list, body_follows, stream);
    return stream;
  }
  ClientStream& get(std::string_view path = "/", const Fields& more = {}) {
    return request("GET", path, more);
  }
  ClientStream& request(std::string_view method, std::string_view path, const Fields& more = {},
                        bool body_follows = false) {
    Fields fields{
        {":method", method}, {":scheme", "http"}, {":path", path}, {":authority", "a.example"}};
    fields.insert(fields.end(), more.begin(), more.end());
    return open(fields, body_follows);
  }
  ClientStream& post(std::string body, bool ends = true) {
    auto& stream = request("POST", "/", {}, true);
    stream.to_send = std::move(body);
    stream.ends = ends;
    return stream;
  }

  // ---- the loop: until nobody has anything to say
  void turn() {
    for (bool more = true; more;) {
      more = false;
      worker.run_posted();
      if (const auto bytes = wire.take(); !bytes.empty()) {
        received += bytes;
        if (!deaf) {
          client.receive(bytes);
        }
        more = true;
      }
      if (const auto bytes = client_output(); !bytes.empty()) {
        deliver(bytes);
        more = true;
      }
      while (wire.turn()) {
        more = true;
      }
    }
  }
  void deliver(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += cut) {
      wire.receive(bytes.substr(at, cut));
    }
  }
  std::string client_output() {
    std::string all;
    std::vector<char> buffer(http::H2Session::kMinRoom * 2);
    while (const auto size = client.send(buffer)) {
      all.append(buffer.data(), size);
    }
    return all;
  }
  void drain() {
    wire.drain();
    turn();
  }
  void pass(int seconds) {
    worker.pass(std::chrono::seconds(seconds));
    turn();
  }

  // ---- the endpoints
  [[nodiscard]] std::size_t requests() const { return worker.upstreams.streams.size(); }
  exchange::testing::FakeEndpointStream& backend(std::size_t index) {
    return *worker.upstreams.streams.at(index);
  }
  exchange::testing::FakeEndpointStream& backend() { return worker.upstreams.last(); }
  void answer(std::string_view text) {
    backend().answer(200, text);
    turn();
  }

  exchange::testing::FakeWorker worker;
  exchange::Reaper reaper{worker.loop};
  H2Streams h2_streams{worker.context, reaper};
  exchange::testing::Wire wire;
  http::H2Session client;
  std::vector<std::unique_ptr<ClientStream>> client_streams;
  std::vector<http::H2Frame> goaways;
  std::unique_ptr<H2Connection> connection;
  std::size_t cut = 1 << 20;  // of what the client sends: so many bytes at once
  std::string received;       // all of it, as it came
  bool deaf;                  // the client does not look at it
  bool closed = false;
};

}  // namespace portico::downstream::testing
