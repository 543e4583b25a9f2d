// What connections that are passed through make of their endpoints' health, and whom they choose.
#include "proxy/server/tunnel.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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
using ::testing::AllOf;
using testing::Client;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// An endpoint on loopback, and what it does once it has heard a hello.
class Endpoint {
 public:
  enum class Does : std::uint8_t { kEnds, kResets, kAnswers };

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
    switch (does_) {
      case Does::kAnswers:
        net::testing::write(transport, "x");
        break;
      case Does::kEnds:
        transport.finish_writing();
        break;
      case Does::kResets:
        transport.close(true);
        break;
    }
  }

  net::Loop& loop_;
  const Does does_;
  std::unique_ptr<net::Listener> listener_;
  net::SocketAddress address_;
  std::vector<std::unique_ptr<net::testing::RecordingSink>> sinks_;
  std::vector<std::unique_ptr<net::Transport>> transports_;
};

// A port of loopback where nothing listens, and then a kernel that accepts for nobody.
class Port {
 public:
  Port() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = *net::SocketAddress::parse("127.0.0.1:0");
    EXPECT_EQ(::bind(socket_, any.data(), any.size()), 0);
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&bound), &size), 0);
    number_ = ntohs(bound.sin_port);
  }
  ~Port() { ::close(socket_); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  [[nodiscard]] std::uint16_t number() const { return number_; }
  [[nodiscard]] std::string name() const { return "127.0.0.1:" + std::to_string(number_); }
  void listen() const { EXPECT_EQ(::listen(socket_, SOMAXCONN), 0); }

 private:
  int socket_;
  std::uint16_t number_ = 0;
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
  void publish(const routing::Policy& policy = {}, const routing::BalanceSpec& balance = {},
               const std::vector<std::uint16_t>& ports = {}) {
    auto backend = std::make_shared<routing::BackendSpec>();
    backend->key = "web";
    for (const auto& each : endpoints) {
      backend->endpoints.push_back({.address = "127.0.0.1", .port = each->port()});
    }
    for (const auto port : ports) {
      backend->endpoints.push_back({.address = "127.0.0.1", .port = port});
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

// A client's hello may have been such that any server would do so.
TEST_F(TunnelTest, WhoEndsConnectionsWithoutAWordIsNotEjected) {
  endpoint(Does::kEnds);
  endpoint(Does::kResets);
  publish();
  connect_and_wait(20);
  EXPECT_THAT(ejected(), IsEmpty());
}

TEST_F(TunnelTest, WhoCanBeReachedAgainIsBackBeforeItSaysAnything) {
  const Port one;
  const Port other;
  publish({}, {}, {one.number(), other.number()});
  connect_and_wait(6);
  ASSERT_THAT(ejected(), AllOf(HasSubstr(one.name()), HasSubstr(other.name())));
  one.listen();
  other.listen();
  connect();
  EXPECT_TRUE(run_until([&] { return !ejected().contains(','); }));
}

TEST_F(TunnelTest, NobodyIsEjectedWhereThatIsOff) {
  endpoint(Does::kAnswers).close();
  endpoint(Does::kAnswers).close();
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
