// The whole path of a request, client's connection to backend's connection, between fake sockets.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "proxy/downstream/h1_connection.h"
#include "proxy/exchange/testing/config.h"
#include "proxy/exchange/testing/fake_transport.h"
#include "proxy/exchange/testing/fakes.h"
#include "proxy/upstream/h1_connection.h"

namespace portico::server::testing {

// One backend's connection, lent whenever it is idle. A new one is made by connect().
class OneConnection final : public exchange::Upstreams, private upstream::ConnectionOwner {
 public:
  OneConnection(net::Loop& loop, const exchange::Options& options, exchange::Reaper& reaper)
      : loop_(loop), options_(options), reaper_(reaper) {}

  void connect(exchange::testing::Wire& wire) {
    connection_ = std::make_unique<upstream::H1Connection>(
        loop_, options_, static_cast<upstream::ConnectionOwner&>(*this), exchange::EndpointId{0},
        nullptr, wire.transport());
    connection_->start();
    idle_ = true;
  }
  Acquired acquire(const exchange::Endpoint&, exchange::Reuse reuse, std::chrono::milliseconds,
                   exchange::ResponseSink& sink, exchange::AcquireSink& waiter) override {
    if (idle_ && reuse == exchange::Reuse::kAllowed) {
      lend(sink);
      return {.stream = connection_.get(), .pending = nullptr};
    }
    sink_ = &sink;
    waiter_ = &waiter;
    return {.stream = nullptr, .pending = std::make_unique<Pending>(*this)};
  }
  [[nodiscard]] bool connecting() const { return waiter_ != nullptr; }
  void refuse() {
    std::exchange(waiter_, nullptr)->on_acquire_failed(routing::upstream_error::kConnectRefused);
  }
  [[nodiscard]] bool open() const { return connection_ != nullptr; }
  [[nodiscard]] bool idle() const { return idle_; }

 private:
  struct Pending final : exchange::PendingAcquire {
    explicit Pending(OneConnection& given) : owner(given) {}
    ~Pending() override { owner.waiter_ = nullptr; }
    OneConnection& owner;
  };
  void lend(exchange::ResponseSink& sink) {
    idle_ = false;
    if (lease_ == nullptr) {
      lease_ = std::make_unique<upstream::Lease>(options_.head_limits);
    }
    connection_->lend(sink, std::move(lease_));
  }
  void on_idle(upstream::H1Connection&, std::unique_ptr<upstream::Lease> lease) override {
    lease_ = std::move(lease);
    idle_ = true;
  }
  void on_closed(upstream::H1Connection&) override {
    idle_ = false;
    reaper_.take(std::move(connection_));
  }

  net::Loop& loop_;
  const exchange::Options& options_;
  exchange::Reaper& reaper_;
  std::unique_ptr<upstream::Lease> lease_;
  std::unique_ptr<upstream::H1Connection> connection_;
  bool idle_ = false;
  exchange::ResponseSink* sink_ = nullptr;
  exchange::AcquireSink* waiter_ = nullptr;
};

// Members are public: tests play the client and the backend.
struct RequestPath : downstream::ConnectionOwner {
  RequestPath() {
    upstreams.connect(to_backend);
    connection = std::make_unique<downstream::H1Connection>(
        worker.context, slots, static_cast<downstream::ConnectionOwner&>(*this),
        to_client.transport());
    connection->start();
    turn();
  }
  virtual ~RequestPath() {
    connection.reset();
    reaper.free_all();
  }
  void on_closed(downstream::Connection&) override { reaper.take(std::move(connection)); }
  void serve_h2(std::unique_ptr<net::Transport>) override {}
  void turn() {
    while (to_client.turn() || to_backend.turn()) {
    }
  }
  void pass(std::chrono::seconds time) {
    worker.pass(time);
    pool_loop.deadlines().advance(net::DeadlineWheel::Clock::now() + time);
    turn();
  }
  void from_client(std::string_view bytes) {
    to_client.receive(bytes);
    turn();
  }
  void from_backend(std::string_view bytes) {
    to_backend.receive(bytes);
    turn();
  }

  exchange::Options options;
  net::Loop pool_loop;
  exchange::Reaper reaper{pool_loop};
  exchange::testing::Wire to_client, to_backend;
  OneConnection upstreams{pool_loop, options, reaper};
  exchange::testing::FakeWorker worker{exchange::testing::ConfigBuilder()
                                           .backend("web", {8001})
                                           .route("a.example", "/", "web")
                                           .build(),
                                       upstreams};
  downstream::Slots slots{worker.context, reaper};
  std::unique_ptr<downstream::H1Connection> connection;
};

}  // namespace portico::server::testing
