#include "proxy/server/front_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/net/tcp_transport.h"
#include "proxy/server/server.h"
#include "proxy/server/testing/client.h"
#include "proxy/server/testing/client_hello.h"

namespace portico::server {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A worker on loopback, and a backend that writes down what comes first.
struct FrontDoorTest : ::testing::Test {
  FrontDoorTest() {
    backend = *net::Listener::open(
        control, *net::SocketAddress::parse("127.0.0.1:0"), [this](net::AcceptedSocket socket) {
          transports.push_back(net::make_tcp_transport(control, std::move(socket)));
          sinks.push_back(std::make_unique<net::testing::RecordingSink>());
          transports.back()->start(*sinks.back());
        });
    server = *Server::open(control, {.workers = 1,
                                     .http = *net::SocketAddress::parse("127.0.0.1:0"),
                                     .https = *net::SocketAddress::parse("127.0.0.1:0"),
                                     .options = {}});
  }
  template <class Done>
  bool run_until(Done done) {
    return control.run_until(done, 60s);
  }
  void add_host(const std::string& name, const std::string& path, bool ssl_passthrough,
                const routing::Policy& policy = {}) {
    auto route = std::make_shared<routing::RouteSpec>();
    route->path = path;
    route->backend = "web";
    route->policy = std::make_shared<routing::Policy>(policy);
    auto host = std::make_shared<routing::HostSpec>();
    host->host = *routing::Hostname::parse(name);
    host->ssl_passthrough = ssl_passthrough;
    host->routes.push_back(std::move(route));
    snapshot.hosts.set(name, std::move(host));
  }
  void publish(const routing::Settings& settings, bool ssl_passthrough = false,
               const routing::Policy& policy = {}) {
    add_host("a.example", "/", ssl_passthrough, policy);
    publish_hosts(settings);
  }
  void publish_hosts(const routing::Settings& settings) {
    auto spec = std::make_shared<routing::BackendSpec>();
    spec->key = "web";
    spec->endpoints = {{.address = "127.0.0.1", .port = backend->local_address().port()}};
    snapshot.backends.set("web", std::move(spec));
    snapshot.settings = std::make_shared<const routing::Settings>(settings);
    ++snapshot.generation;
    bool adopted = false;
    server->publish(snapshot, [&adopted] { adopted = true; });
    ASSERT_TRUE(run_until([&] { return adopted; }));
  }
  [[nodiscard]] std::string received() const {
    return sinks.empty() ? std::string() : sinks.front()->received;
  }

  net::Loop control;
  std::unique_ptr<net::Listener> backend;
  std::vector<std::unique_ptr<net::testing::RecordingSink>> sinks;
  std::vector<std::unique_ptr<net::Transport>> transports;
  routing::Snapshot snapshot;
  std::unique_ptr<Server> server;
};

constexpr const char* kHeader = "PROXY TCP4 203.0.113.7 192.0.2.1 51234 80\r\n";
constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

routing::Settings with_proxy_protocol(std::string_view trusted) {
  routing::Settings settings;
  settings.client_address.use_proxy_protocol = true;
  settings.client_address.trusted_proxies = *routing::CidrSet::parse(trusted);
  return settings;
}

std::string hello() {
  return testing::client_hello("a.example");
}

TEST_F(FrontDoorTest, TakesTheClientFromATrustedProxysHeader) {
  publish(with_proxy_protocol("127.0.0.0/8"));
  Client client(control, server->http_address(), std::string(kHeader) + kGet);
  ASSERT_TRUE(run_until([this] { return received().ends_with("\r\n\r\n"); }));
  EXPECT_THAT(received(), HasSubstr("X-Real-IP: 203.0.113.7\r\n"));
}

TEST_F(FrontDoorTest, ClosesWhoMayNotAnnounceAndWhoDoesNot) {
  publish(with_proxy_protocol("192.0.2.0/24"));
  Client untrusted(control, server->http_address(), std::string(kHeader) + kGet);
  ASSERT_TRUE(run_until([&] { return untrusted.sink.ends + untrusted.sink.errors > 0; }));
  publish(with_proxy_protocol("127.0.0.0/8"));
  Client silent(control, server->http_address(), kGet);
  ASSERT_TRUE(run_until([&] { return silent.sink.ends + silent.sink.errors > 0; }));
  EXPECT_TRUE(transports.empty());
}

TEST_F(FrontDoorTest, HandsTlsOnUnopenedBothWaysWhereTheHostAsks) {
  publish({}, true);
  Client client(control, server->https_address(), hello());
  ASSERT_TRUE(run_until([this] { return received() == hello(); }));
  net::testing::write(*transports.front(), "what only the backend can answer");
  ASSERT_TRUE(run_until([&] { return client.sink.received.size() == 32; }));
  transports.front()->finish_writing();
  ASSERT_TRUE(run_until([&] { return client.sink.ends == 1; })) << "half-closed";
  net::testing::write(*client.transport, "still heard");
  client.transport->finish_writing();
  ASSERT_TRUE(run_until([this] { return sinks.front()->ends == 1; }));
  EXPECT_EQ(received(), hello() + "still heard");
}

// The backend would wait for the byte that its record still promises, and look as if it hung.
TEST_F(FrontDoorTest, HandsNoHelloOnThatEndsWithinItsRecord) {
  publish({}, true);
  auto bytes = hello();
  ++bytes[4];
  Client client(control, server->https_address(), bytes);
  ASSERT_TRUE(run_until([&] { return client.sink.ends + client.sink.errors > 0; }));
  EXPECT_TRUE(transports.empty());
}

TEST_F(FrontDoorTest, OpensTlsItselfWhereTheHostDoesNotAsk) {
  publish({});
  Client client(control, server->https_address(), hello());
  ASSERT_TRUE(run_until([&] { return !client.sink.received.empty(); }));
  EXPECT_TRUE(transports.empty());
}

TEST_F(FrontDoorTest, OpensTlsItselfForAHostWithRulesOfItsOwnBelowAWildcardThatAsks) {
  add_host("a.example", "/app", false);
  add_host("*.example", "/", true);
  publish_hosts({});
  Client client(control, server->https_address(), hello());
  ASSERT_TRUE(run_until([&] { return !client.sink.received.empty(); }));
  EXPECT_TRUE(transports.empty());
}

TEST_F(FrontDoorTest, HandsTlsOnUnopenedForAHostThatOnlyAWildcardNames) {
  add_host("*.example", "/", true);
  publish_hosts({});
  Client client(control, server->https_address(), hello());
  ASSERT_TRUE(run_until([this] { return received() == hello(); }));
}

TEST_F(FrontDoorTest, OpensTlsItselfWhereTheRouteIsDenied) {
  publish({}, true, {.denied_because = "an allow list is not served yet"});
  Client client(control, server->https_address(), hello());
  ASSERT_TRUE(run_until([&] { return !client.sink.received.empty(); }));
  EXPECT_TRUE(transports.empty());
}

TEST_F(FrontDoorTest, TellsABackendThatAsksTheClientByAHeader) {
  publish(with_proxy_protocol("127.0.0.0/8"), false,
          {.backend_proxy_protocol = routing::BackendProxyProtocol::kV1});
  Client client(control, server->http_address(), std::string(kHeader) + kGet);
  ASSERT_TRUE(run_until([this] { return received().ends_with("\r\n\r\n"); }));
  EXPECT_THAT(received(), StartsWith(std::string(kHeader) + "GET / HTTP/1.1\r\n"));
}

}  // namespace
}  // namespace portico::server
