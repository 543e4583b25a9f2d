#include "proxy/server/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/exchange/testing/fake_transport.h"
#include "proxy/net/connector.h"
#include "proxy/net/testing/recording_sink.h"
#include "proxy/server/admin_connection.h"

namespace portico::server {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct AdminConnectionTest : ::testing::Test, AdminOwner {
  AdminConnectionTest() {
    connection->start();
    turn();
  }
  void on_request(AdminConnection&, const AdminRequest& request) override {
    requests.push_back(request.method + " " + request.path + " " + request.query);
  }
  void on_closed(AdminConnection&) override { closed = true; }
  void receive(std::string_view bytes) {
    wire.receive(bytes);
    turn();
  }
  void answer(std::string body) {
    connection->answer({.status = 200, .body = std::move(body)});
    turn();
  }
  void turn() {
    while (wire.turn()) {
    }
  }
  void pass(int seconds) {
    loop.deadlines().advance(net::DeadlineWheel::Clock::now() + std::chrono::seconds(seconds));
  }

  net::Loop loop;
  exchange::testing::Wire wire;
  std::vector<std::string> requests;
  bool closed = false;
  std::unique_ptr<AdminConnection> connection =
      std::make_unique<AdminConnection>(loop, *this, wire.transport(), 1);
};

TEST_F(AdminConnectionTest, AnswersOneRequestAfterTheOther) {
  receive("GET /explain?url=a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(requests, ElementsAre("GET /explain url=a"));
  answer("one");
  EXPECT_THAT(wire.take(), EndsWith("Content-Length: 3\r\n\r\none"));
  EXPECT_THAT(requests, ElementsAre("GET /explain url=a", "GET /b "));
  answer("two");
  EXPECT_THAT(wire.take(), EndsWith("two"));
}

TEST_F(AdminConnectionTest, ReadsABodyThatComesWithItsHead) {
  receive("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_THAT(requests, ElementsAre("POST /a "));
}

TEST_F(AdminConnectionTest, SendsNoBodyToHead) {
  receive("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  answer("ok");
  EXPECT_THAT(wire.take(), EndsWith("Content-Length: 2\r\n\r\n"));
}

TEST_F(AdminConnectionTest, ClosesBehindItsAnswerWhereTheClientSaysSo) {
  receive("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  answer("ok");
  EXPECT_THAT(wire.take(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(wire.finished);
  wire.end();
  EXPECT_TRUE(closed);
}

TEST_F(AdminConnectionTest, AnswersAClientThatClosedItsSide) {
  receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  wire.end();
  answer("ok");
  EXPECT_THAT(wire.take(), EndsWith("ok"));
  EXPECT_TRUE(wire.finished);
}

TEST_F(AdminConnectionTest, RefusesWhatIsNoRequest) {
  receive("nonsense\r\n\r\n");
  EXPECT_THAT(requests, IsEmpty());
  EXPECT_THAT(wire.take(), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(wire.finished);
}

TEST_F(AdminConnectionTest, HasPatienceForThirtySeconds) {
  receive("GET / HT");
  pass(20);
  EXPECT_FALSE(closed);
  pass(31);
  EXPECT_TRUE(closed);
}

TEST_F(AdminConnectionTest, IgnoresAnAnswerThatComesTooLate) {
  receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  pass(31);
  EXPECT_TRUE(closed);
  answer("late");
  EXPECT_EQ(wire.take(), "");
}

// ---- over a socket

struct Client {
  Client(net::Loop& loop, const net::SocketAddress& to)
      : connector(loop, to, std::chrono::seconds(60), [this](auto result) {
          ASSERT_TRUE(result);
          transport = std::move(*result);
          transport->start(sink);
          net::testing::write(*transport, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        }) {}
  net::testing::RecordingSink sink;
  std::unique_ptr<net::Transport> transport;
  net::Connector connector;
};

TEST(AdminServer, AnswersFromItsOwnThread) {
  auto server = AdminServer::open(*net::SocketAddress::parse("127.0.0.1:0"),
                                  [](const AdminRequest& request, AdminReply reply) {
                                    reply({.body = "you asked for " + request.path});
                                  });
  ASSERT_TRUE(server) << server.error();
  (*server)->start();
  net::Loop loop;
  Client client(loop, (*server)->address());
  EXPECT_TRUE(loop.run_until([&] { return client.sink.received.ends_with("for /healthz"); },
                             std::chrono::seconds(60)));
}

TEST(AdminServer, DropsAReplyThatComesAfterItsEnd) {
  AdminReply kept;
  std::atomic<bool> asked{false};
  auto server = AdminServer::open(*net::SocketAddress::parse("127.0.0.1:0"),
                                  [&](const AdminRequest&, AdminReply reply) {
                                    kept = std::move(reply);
                                    asked = true;
                                  });
  ASSERT_TRUE(server) << server.error();
  (*server)->start();
  net::Loop loop;
  Client client(loop, (*server)->address());
  EXPECT_TRUE(loop.run_until([&] { return asked.load(); }, std::chrono::seconds(60)));
  server->reset();
  kept({.body = "late"});
}

TEST(AdminServer, NamesAPortThatIsTaken) {
  const auto first = AdminServer::open(*net::SocketAddress::parse("127.0.0.1:0"),
                                       [](const AdminRequest&, AdminReply) {});
  ASSERT_TRUE(first);
  const auto second =
      AdminServer::open((*first)->address(), [](const AdminRequest&, AdminReply) {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr(std::to_string((*first)->address().port())));
}

}  // namespace
}  // namespace portico::server
