// Scripted neighbours of an Exchange: a client's stream, endpoints' streams, and what gives them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/exchange/context.h"
#include "proxy/exchange/stream.h"
#include "proxy/exchange/upstreams.h"

namespace portico::exchange::testing {

inline std::span<const char> bytes_of(std::string_view text) {
  return {text.data(), text.size()};
}

inline void append_trailers(std::string& out, const http::FieldBlock* trailers) {
  for (std::size_t i = 0; trailers != nullptr && i < trailers->size(); ++i) {
    out.append("|").append((*trailers)[i].name).append("=").append((*trailers)[i].value);
  }
}

// Towards the client: writes down what the exchange does.
class FakeClient final : public ServerStream {
 public:
  void send_interim(const OutgoingResponse& response) override {
    check_open();
    interims += std::to_string(response.status) + " ";
  }
  void send_head(const OutgoingResponse& response) override {
    check_open();
    EXPECT_EQ(status, 0) << "a second head";
    status = response.status;
    framing = response.framing;
    content_length = response.content_length;
    upgrade = response.upgrade;
    own = response.own;
    response.for_each_field([this](std::string_view name, std::string_view value) {
      fields.append(name).append(": ").append(value).append("\n");
    });
  }
  Flow write_body(std::span<const char> piece) override {
    check_open();
    EXPECT_NE(status, 0) << "a body without a head";
    body.append(piece.data(), piece.size());
    return slow ? Flow::kWait : Flow::kGo;
  }
  void end(const http::FieldBlock* trailers) override {
    check_open();
    EXPECT_FALSE(ended) << "a second end";
    ended = true;
    append_trailers(body, trailers);
  }
  void flush() override {
    check_open();
    ++flushes;
  }
  void read_more(bool more) override {
    check_open();
    credit = more;
  }
  void abort() override {
    check_open();
    aborted = true;
  }
  void finished() override { ++finishes; }

  bool slow = false;  // every write says kWait
  std::uint16_t status = 0;
  http::Framing framing = http::Framing::kNone;
  std::uint64_t content_length = 0;
  std::string upgrade, fields, body, interims;
  bool own = false, ended = false, aborted = false, credit = false;
  int flushes = 0;
  int finishes = 0;

 private:
  void check_open() const { EXPECT_EQ(finishes, 0) << "called after finished()"; }
};

// Towards one endpoint: writes down the request, and answers as the test says.
class FakeEndpointStream final : public ClientStream {
 public:
  explicit FakeEndpointStream(ResponseSink& sink) : sink_(&sink) {}

  // ---- the endpoint's side
  void answer_head(std::uint16_t status, http::Framing framed_by = http::Framing::kChunked,
                   std::uint64_t content_length = 0, std::string_view switch_to = {},
                   const std::vector<std::pair<std::string, std::string>>& extra = {}) {
    head_.clear();
    head_.status = status;
    head_.framing = framed_by;
    head_.content_length = content_length;
    head_.upgrade = switch_to;
    head_.keep_alive = !close_after_head;
    ended &= status != 101;  // a tunnel is open again
    for (const auto& [name, value] : extra) {
      head_.fields.add(http::field_id(name), name, value);
    }
    if (sink_ != nullptr) {
      sink_->on_response_head(head_);
    }
  }
  void answer_body(std::string_view piece) {
    if (sink_ != nullptr) {
      sink_->on_response_body(bytes_of(piece));
    }
  }
  void answer_end(const http::FieldBlock* trailers = nullptr) {
    if (sink_ != nullptr) {
      sink_->on_response_end(trailers);
    }
  }
  void answer_flush() {
    if (sink_ != nullptr) {
      sink_->on_response_flush();
    }
  }
  void answer(std::uint16_t status, std::string_view text) {
    answer_head(status, http::Framing::kLength, text.size());
    answer_body(text);
    answer_end();
    answer_flush();
  }
  void drain() {
    slow = false;
    if (sink_ != nullptr) {
      sink_->on_upstream_writable();
    }
  }
  void fail(const routing::ProxyError& error) {
    if (sink_ != nullptr) {
      sink_->on_upstream_error(error);
    }
  }

  // ---- the exchange's side
  void send_head(const OutgoingRequest& request, bool follows) override {
    check_lent();
    head = std::string(request.method_text) + " " + std::string(request.target);
    upgrade = request.upgrade;
    framing = request.framing;
    body_follows = follows;
    request.for_each_field([this](std::string_view name, std::string_view value) {
      fields.append(name).append(": ").append(value).append("\n");
    });
  }
  Flow write_body(std::span<const char> piece) override {
    check_lent();
    EXPECT_FALSE(ended) << "a body after its end";
    body.append(piece.data(), piece.size());
    return slow ? Flow::kWait : Flow::kGo;
  }
  void end(const http::FieldBlock* trailers) override {
    check_lent();
    EXPECT_FALSE(ended) << "a second end";
    ended = true;
    append_trailers(body, trailers);
  }
  void flush() override {
    check_lent();
    ++flushes;
  }
  void read_more(bool more) override {
    check_lent();
    credit = more;
  }
  void release() override {
    check_lent();
    sink_ = nullptr;
  }

  [[nodiscard]] bool has_sent() const override { return sent; }
  [[nodiscard]] std::size_t unsent_bytes() const override { return unsent -= takes; }
  [[nodiscard]] bool released() const { return sink_ == nullptr; }

  bool sent = true;
  mutable std::size_t unsent = 0;
  std::size_t takes = 0;          // bytes between two looks at what is unsent
  bool close_after_head = false;  // it says Connection: close
  bool slow = false;
  std::string head, fields, body, upgrade;
  http::Framing framing = http::Framing::kNone;
  bool body_follows = false, ended = false, credit = false;
  int flushes = 0;

 private:
  void check_lent() const { EXPECT_NE(sink_, nullptr) << "called after release()"; }

  ResponseSink* sink_;
  http::ResponseHead head_;
};

// Gives warm streams at once, or after connected() where `warm` is off.
class FakeUpstreams final : public Upstreams {
 public:
  Acquired acquire(const Endpoint& endpoint, Reuse reuse, std::chrono::milliseconds,
                   ResponseSink& sink, AcquireSink& waiter) override {
    ports.push_back(endpoint.address.port());
    if (warm && reuse == Reuse::kAllowed) {
      return {.stream = &make(sink), .pending = nullptr};
    }
    sink_ = &sink;
    waiter_ = &waiter;
    return {.stream = nullptr, .pending = std::make_unique<Pending>(*this)};
  }

  [[nodiscard]] bool connecting() const { return waiter_ != nullptr; }
  void connected() {
    ASSERT_TRUE(connecting());
    std::exchange(waiter_, nullptr)->on_acquired(make(*sink_));
  }
  void refuse(const routing::ProxyError& error) {
    ASSERT_TRUE(connecting());
    std::exchange(waiter_, nullptr)->on_acquire_failed(error);
  }
  // The stream given last.
  FakeEndpointStream& last() { return *streams.back(); }

  bool warm = true;
  bool slow = false;                 // streams that are made take nothing
  std::vector<std::uint16_t> ports;  // of the endpoints that were asked for
  std::vector<std::unique_ptr<FakeEndpointStream>> streams;

 private:
  struct Pending final : PendingAcquire {
    explicit Pending(FakeUpstreams& upstreams) : owner(upstreams) {}
    ~Pending() override { owner.waiter_ = nullptr; }
    FakeUpstreams& owner;
  };
  FakeEndpointStream& make(ResponseSink& sink) {
    auto& stream = *streams.emplace_back(std::make_unique<FakeEndpointStream>(sink));
    stream.slow = slow;
    return stream;
  }

  ResponseSink* sink_ = nullptr;
  AcquireSink* waiter_ = nullptr;
};

// What of a Record outlives the call.
struct Kept {
  std::string method, target, host, scheme, request_id, reason, endpoint, backend;
  std::uint16_t status, meant_status, upstream_status;
  std::uint64_t request_bytes, response_bytes;
  int attempts;
  bool reused, has_route, retry_budget_exhausted;
  CircuitRefusal circuit_refusal;
};

class FakeRecorder final : public Recorder {
 public:
  void record(const Record& record) override {
    if (!keep) {
      return;
    }
    records.push_back({.method = std::string(record.method),
                       .target = std::string(record.target),
                       .host = std::string(record.host),
                       .scheme = std::string(record.scheme),
                       .request_id = std::string(record.request_id),
                       .reason = std::string(record.reason),
                       .endpoint = record.endpoint == nullptr ? "" : record.endpoint->to_string(),
                       .backend = record.route == nullptr ? "" : record.route->spec->backend,
                       .status = record.status,
                       .meant_status = record.meant_status,
                       .upstream_status = record.upstream_status,
                       .request_bytes = record.request_bytes,
                       .response_bytes = record.response_bytes,
                       .attempts = record.attempts,
                       .reused = record.reused_connection,
                       .has_route = record.route != nullptr,
                       .retry_budget_exhausted = record.retry_budget_exhausted,
                       .circuit_refusal = record.circuit_refusal});
  }
  bool keep = true;
  std::vector<Kept> records;
};

// A worker without connections.
struct FakeWorker {
  explicit FakeWorker(std::shared_ptr<const Config> config)
      : FakeWorker(std::move(config), upstreams) {}
  FakeWorker(std::shared_ptr<const Config> config, Upstreams& other_upstreams)
      : context{.loop = loop,
                .options = options,
                .upstreams = other_upstreams,
                .recorder = recorder,
                .balancers = Balancers(0, 0),
                .request_ids = {},
                .date = {},
                .config = {},
                .pinned = {}} {
    adopt(std::move(config));
  }
  void adopt(std::shared_ptr<const Config> config) {
    context.adopt(ConfigPointer(new ConfigPin(std::move(config), loop)));
  }
  // Fires every deadline that is armed for less than `time` from now. Later calls need longer
  // times.
  void pass(std::chrono::seconds time) {
    loop.deadlines().advance(net::DeadlineWheel::Clock::now() + time);
  }
  // Runs what is posted.
  void run_posted() {
    bool ran = false;
    loop.post([&ran] { ran = true; });
    loop.run_until([&ran] { return ran; }, std::chrono::seconds(60));
  }

  net::Loop loop;
  Options options;
  FakeUpstreams upstreams;
  FakeRecorder recorder;
  Context context;
};

}  // namespace portico::exchange::testing
