// What connections that are passed through make of their endpoints' health, and whom they choose.
#include "proxy/server/tunnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/net/listener.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/server/server.h"
#include "proxy/server/testing/client.h"
#include "proxy/server/testing/client_hello.h"

namespace portico::server {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using ::testing::IsEmpty;

// An endpoint on loopback, and what it does once it has heard a hello.
class Endpoint {
 public:
  enum class Does : std::uint8_t { kNothing, kEnds, kAnswers, kAnswersAndEnds };

  Endpoint(net::Loop& loop, Does does) : loop_(loop), does_(does) {
    listener_ =
        *net::Listener::open(loop, *net::SocketAddress::parse("127.0.0.1:0"),
                             [this](net::AcceptedSocket socket) { accept(std::move(socket)); });
    address_ = listener_->local_address();
  }
  [[nodiscard]] std::uint16_t port() const { return address_.port(); }
  [[nodiscard]] std::string name() const { return address_.to_string(); }
  [[nodiscard]] std::size_t connections() const { return transports_.size(); }
  // Nothing listens there from now on.
  void close() {
    listener_->stop_accepting();
    listener_.reset();
  }

 private:
  void accept(net::AcceptedSocket socket) {
    transports_.push_back(net::make_tcp_transport(loop_, std::move(socket)));
    sinks_.push_back(std::make_unique<net::testing::RecordingSink>());
    auto* const transport = transports_.back().get();
    sinks_.back()->before_take = [this, transport] { hear(*transport); };
    transport->start(*sinks_.back());
  }
  void hear(net::Transport& transport) const {
    if (does_ == Does::kAnswers || does_ == Does::kAnswersAndEnds) {
      net::testing::write(transport, "x");
    }
    if (does_ == Does::kEnds || does_ == Does::kAnswersAndEnds) {
      transport.finish_writing();
    }
  }

  net::Loop& loop_;
  const Does does_;
  std::unique_ptr<net::Listener> listener_;
  net::SocketAddress address_;
  std::vector<std::unique_ptr<net::testing::RecordingSink>> sinks_;
  std::vector<std::unique_ptr<net::Transport>> transports_;
};

struct TunnelTest : ::testing::Test {
  using Does = Endpoint::Does;

  TunnelTest() {
    server = *Server::open(control, {.workers = 1,
                                     .http = *net::SocketAddress::parse("127.0.0.1:0"),
                                     .https = *net::SocketAddress::parse("127.0.0.1:0"),
                                     .options = {}});
  }
  template <class Done>
  bool run_until(Done done) {
    return control.run_until(done, 60s);
  }
  Endpoint& endpoint(Does does) {
    endpoints.push_back(std::make_unique<Endpoint>(control, does));
    return *endpoints.back();
  }
  void publish(const routing::Policy& policy = {}, const routing::BalanceSpec& balance = {}) {
    auto backend = std::make_shared<routing::BackendSpec>();
    backend->key = "web";
    for (const auto& each : endpoints) {
      backend->endpoints.push_back({.address = "127.0.0.1", .port = each->port()});
    }
    backend->balance = std::make_shared<const routing::BalanceSpec>(balance);
    auto route = std::make_shared<routing::RouteSpec>();
    route->path = "/";
    route->backend = "web";
    route->policy = std::make_shared<routing::Policy>(policy);
    auto host = std::make_shared<routing::HostSpec>();
    host->host = *routing::Hostname::parse("a.example");
    host->ssl_passthrough = true;
    host->routes.push_back(std::move(route));
    routing::Snapshot snapshot;
    snapshot.generation = 1;
    snapshot.hosts.set("a.example", std::move(host));
    snapshot.backends.set("web", std::move(backend));
    server->publish(snapshot, [] {});
  }
  Client& connect() {
    clients.push_back(std::make_unique<Client>(control, server->https_address(),
                                               testing::client_hello("a.example")));
    return *clients.back();
  }
  // One after the other, each as soon as the one before has got what it gets.
  void connect_and_wait(int times) {
    for (int i = 0; i < times; ++i) {
      const auto& sink = connect().sink;
      ASSERT_TRUE(run_until([&] { return !sink.received.empty() || sink.ends + sink.errors > 0; }));
    }
  }
  [[nodiscard]] std::string ejected() const { return server->ejected_endpoints("web"); }

  net::Loop control;
  std::vector<std::unique_ptr<Endpoint>> endpoints;
  std::unique_ptr<Server> server;
  std::vector<std::unique_ptr<Client>> clients;
};

TEST_F(TunnelTest, WhereNothingListensNobodyConnectsAnyMoreAfterTwo) {
  auto& well = endpoint(Does::kAnswers);
  auto& gone = endpoint(Does::kAnswers);
  gone.close();
  publish();
  connect_and_wait(6);
  EXPECT_EQ(well.connections(), 6U) << "it was tried instead";
  EXPECT_EQ(ejected(), gone.name());
}

TEST_F(TunnelTest, WhoEndsAConnectionBeforeItsFirstByteIsEjected) {
  endpoint(Does::kAnswers);
  auto& sick = endpoint(Does::kEnds);
  publish();
  connect_and_wait(12);
  EXPECT_EQ(ejected(), sick.name());
}

TEST_F(TunnelTest, WhoEndsItAfterThatIsNot) {
  endpoint(Does::kAnswersAndEnds);
  endpoint(Does::kAnswersAndEnds);
  publish();
  connect_and_wait(20);
  EXPECT_THAT(ejected(), IsEmpty());
}

TEST_F(TunnelTest, WhoSaysNothingToAHelloIsEjectedInTheTimeOfAConnect) {
  endpoint(Does::kAnswers);
  auto& sick = endpoint(Does::kNothing);
  publish({.connect_timeout = 100ms});
  for (int i = 0; i < 12; ++i) {
    connect();
  }
  EXPECT_TRUE(run_until([&] { return ejected() == sick.name(); }));
}

TEST_F(TunnelTest, NobodyIsEjectedWhereThatIsOff) {
  endpoint(Does::kEnds);
  endpoint(Does::kEnds);
  publish({.outlier_ejection = false});
  connect_and_wait(20);
  EXPECT_THAT(ejected(), IsEmpty());
}

TEST_F(TunnelTest, FewerOpenConnectionsWin) {
  auto& one = endpoint(Does::kAnswers);
  auto& other = endpoint(Does::kAnswers);
  publish({}, {.strategy = routing::Strategy::kLeastRequests});
  connect_and_wait(20);
  EXPECT_EQ(one.connections(), 10U);
  EXPECT_EQ(other.connections(), 10U);
}

TEST_F(TunnelTest, AClientStaysWhereItsAddressIsHashed) {
  auto& one = endpoint(Does::kAnswers);
  auto& other = endpoint(Does::kAnswers);
  publish({}, {.hash_by = "$remote_addr"});
  connect_and_wait(10);
  EXPECT_EQ(std::max(one.connections(), other.connections()), 10U);
}

TEST_F(TunnelTest, WhatOnlyARequestWouldTellGoesByTheStrategy) {
  auto& one = endpoint(Does::kAnswers);
  auto& other = endpoint(Does::kAnswers);
  publish({}, {.hash_by = "$http_x_user"});
  connect_and_wait(10);
  EXPECT_EQ(one.connections(), 5U);
  EXPECT_EQ(other.connections(), 5U);
}

}  // namespace
}  // namespace portico::server
