#include "proxy/server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/server/testing/client.h"

namespace portico::server {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Workers on loopback, and a backend that accepts and never answers.
struct ServerTest : ::testing::Test {
  ServerTest() {
    auto silent = net::Listener::open(
        control, *net::SocketAddress::parse("127.0.0.1:0"),
        [this](net::AcceptedSocket socket) { accepted.push_back(std::move(socket)); });
    EXPECT_TRUE(silent);
    backend = std::move(*silent);
    auto opened = Server::open(control, {.workers = 2,
                                         .http = *net::SocketAddress::parse("127.0.0.1:0"),
                                         .https = *net::SocketAddress::parse("127.0.0.1:0"),
                                         .options = {}});
    EXPECT_TRUE(opened) << opened.error();
    server = std::move(*opened);
  }
  template <class Done>
  bool run_until(Done done) {
    return control.run_until(done, 60s);
  }
  void publish(const std::string& host) {
    auto spec = std::make_shared<routing::BackendSpec>();
    spec->key = "web";
    spec->endpoints = {{.address = "127.0.0.1", .port = backend->local_address().port()}};
    snapshot.backends.set("web", std::move(spec));
    auto route = std::make_shared<routing::RouteSpec>();
    route->path = "/";
    route->backend = "web";
    route->policy = std::make_shared<routing::Policy>();
    auto of_host = std::make_shared<routing::HostSpec>();
    of_host->host = *routing::Hostname::parse(host);
    of_host->routes.push_back(std::move(route));
    snapshot.hosts.set(host, std::move(of_host));
    ++snapshot.generation;
    bool adopted = false;
    server->publish(snapshot, [&adopted] { adopted = true; });
    ASSERT_TRUE(run_until([&] { return adopted; }));
  }

  net::Loop control;
  std::unique_ptr<net::Listener> backend;
  std::vector<net::AcceptedSocket> accepted;
  routing::Snapshot snapshot;
  std::unique_ptr<Server> server;
};

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

TEST_F(ServerTest, ServesByTheFirstConfigAndByLaterOnes) {
  publish("other.example");
  Client before(control, server->http_address(), kGet);
  ASSERT_TRUE(run_until([&] { return !before.sink.received.empty(); }));
  EXPECT_THAT(before.sink.received, StartsWith("HTTP/1.1 404 "));
  publish("a.example");
  Client after(control, server->http_address(), kGet);
  EXPECT_TRUE(run_until([&] { return accepted.size() == 1; }));
}

TEST_F(ServerTest, CanEndWhileRequestsAreOpen) {
  publish("a.example");
  Client waiting(control, server->http_address(), kGet);
  Client unfinished(control, server->http_address(), "GET / HT");
  Client shaking(control, server->https_address(), "\x16");
  ASSERT_TRUE(run_until([&] { return accepted.size() == 1; }));
  server.reset();
  EXPECT_TRUE(run_until([&] { return waiting.sink.ends + waiting.sink.errors > 0; }));
}

TEST_F(ServerTest, IsDrainedOnceNothingIsOpen) {
  publish("a.example");
  Client waiting(control, server->http_address(), kGet);
  Client idle(control, server->http_address(), "GET / HTTP/1.1\r\nHost: unknown.example\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return accepted.size() == 1 && !idle.sink.received.empty(); }));
  bool drained = false;
  server->drain([&drained] { drained = true; });
  ASSERT_TRUE(run_until([&] { return idle.sink.ends == 1; })) << "idle ones go at once";
  EXPECT_FALSE(drained);
  waiting.transport.reset();
  EXPECT_TRUE(run_until([&] {
    accepted.clear();  // the backend goes too
    return drained;
  }));
}

TEST_F(ServerTest, CollectsTheWorkersMetrics) {
  publish("a.example");
  Client client(control, server->http_address(), "GET / HTTP/1.1\r\nHost: unknown.example\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return !client.sink.received.empty(); }));
  std::string text;
  server->collect(control, [&text](std::string collected) { text = std::move(collected); });
  ASSERT_TRUE(run_until([&] { return !text.empty(); }));
  EXPECT_THAT(text, HasSubstr("port=\"\",class=\"4xx\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("portico_connections_open 1\n"));
  EXPECT_THAT(text, HasSubstr("portico_config_generation 1\n"));
}

TEST_F(ServerTest, NamesAPortThatIsTaken) {
  const auto second = Server::open(control, {.workers = 1,
                                             .http = server->http_address(),
                                             .https = *net::SocketAddress::parse("127.0.0.1:0"),
                                             .options = {}});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr(std::to_string(server->http_address().port())));
}

}  // namespace
}  // namespace portico::server
