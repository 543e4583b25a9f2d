#include "proxy/upstream/h2_pool.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/net/listener.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/upstream/pool.h"
#include "proxy/upstream/testing/h2_scene.h"

namespace portico::upstream {
namespace {

using exchange::EndpointId;
using exchange::Reuse;
using ::testing::ElementsAre;
using testing::FakeExchange;

// A backend of nghttp2's, on a real socket, that answers every request with "hi" once it may.
class H2Server final {
 public:
  explicit H2Server(net::Loop& loop) {
    auto opened = net::Listener::open(
        loop, *net::SocketAddress::parse("127.0.0.1:0"), [this, &loop](net::AcceptedSocket socket) {
          clients_.push_back(
              std::make_unique<Client>(*this, net::make_tcp_transport(loop, std::move(socket))));
        });
    EXPECT_TRUE(opened);
    listener_ = std::move(*opened);
  }
  [[nodiscard]] const net::SocketAddress& address() const { return listener_->local_address(); }
  [[nodiscard]] std::size_t accepted() const { return clients_.size(); }
  void close_all() { clients_.clear(); }

  std::uint32_t max_streams = 100;
  int requests = 0;
  bool answers = true;
  std::vector<std::string> announced;  // by PROXY headers

 private:
  struct Client final : net::TransportSink, http::H2ConnectionEvents {
    Client(H2Server& owner, std::unique_ptr<net::Transport> given)
        : server(owner),
          transport(std::move(given)),
          session(http::H2Session::Role::kServer, {.max_concurrent_streams = owner.max_streams},
                  *this) {
      transport->start(*this);
      pump();
    }
    std::size_t on_bytes(std::span<char> bytes) override {
      session.receive(bytes.subspan(take_proxy_header({bytes.data(), bytes.size()})));
      for (auto& [id, stream] : streams) {
        if (server.answers && stream.ended && stream.sections == 1) {
          stream.sections = 2;
          stream.answer = "hi";
          http::H2FieldList head;
          head.add(":status", "200");
          session.submit_head(id, head, true);
        }
      }
      pump();
      return bytes.size();
    }
    void on_end() override {}
    void on_drained() override {}
    void on_error(net::TransportError) override {}
    http::H2StreamEvents* on_stream_opened(std::int32_t stream) override {
      ++server.requests;
      return &streams[stream];
    }
    void on_frame_begins(const http::H2Frame&) override {}
    void on_control_frame(const http::H2Frame&) override {}
    void on_frame_sent(const http::H2Frame&) override {}
    // Of version 1; how many bytes it has.
    std::size_t take_proxy_header(std::string_view bytes) {
      if (!bytes.starts_with("PROXY ")) {
        return 0;
      }
      const auto end = bytes.find("\r\n");
      server.announced.emplace_back(bytes.substr(0, end));
      return end + 2;
    }
    void pump() {
      std::string bytes(std::size_t{64} * 1024, '\0');
      for (std::size_t size; (size = session.send(bytes)) > 0;) {
        const iovec piece{bytes.data(), size};
        transport->write({&piece, 1});
      }
    }
    H2Server& server;
    std::map<std::int32_t, testing::H2Served> streams;
    std::unique_ptr<net::Transport> transport;
    http::H2Session session;
  };
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::unique_ptr<Client>> clients_;
};

// One that asks the pool, and sends as soon as it has a stream.
struct Asker final : exchange::AcquireSink {
  void on_acquired(exchange::ClientStream& acquired) override {
    pending.reset();
    use(acquired);
  }
  void on_acquire_failed(const routing::ProxyError& failed) override {
    pending.reset();
    error = failed;
  }
  void use(exchange::ClientStream& stream) {
    sink.stream = &stream;
    stream.send_head({.method_text = "GET", .target = "/", .authority = "a", .fields = &fields},
                     false);
    stream.read_more(true);
    stream.end(nullptr);
  }
  // True if it got a stream at once.
  bool ask(Pool& pool, const exchange::Endpoint& endpoint, Reuse reuse = Reuse::kAllowed,
           std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
    auto acquired = pool.acquire(endpoint, reuse, timeout, sink, *this);
    pending = std::move(acquired.pending);
    if (acquired.stream != nullptr) {
      use(*acquired.stream);
    }
    return acquired.stream != nullptr;
  }
  FakeExchange sink;
  http::FieldBlock fields;
  std::unique_ptr<exchange::PendingAcquire> pending;
  std::optional<routing::ProxyError> error;
};

struct H2PoolTest : ::testing::Test {
  template <class Done>
  void run_until(Done done) {
    ASSERT_TRUE(loop.run_until(done, std::chrono::seconds(60)));
  }
  exchange::Endpoint endpoint(std::uint32_t id = 0) {
    return {.id = EndpointId{id},
            .address = server.address(),
            .protocol = routing::BackendProtocol::kHttp2};
  }
  void finish(const Asker& asker) {
    run_until([&] { return asker.sink.ends == 1; });
    EXPECT_EQ(asker.sink.body, "hi");
  }

  net::Loop loop;
  exchange::Options options;
  exchange::Reaper reaper{loop};
  exchange::Circuit circuit;  // with the other one, outlives the pool that holds its connections
  exchange::Circuit other_circuit;
  Pool pool{loop, options, reaper};
  H2Server server{loop};
};

TEST_F(H2PoolTest, SharesOneConnectAmongAllWhoWait) {
  std::array<Asker, 10> askers;
  for (auto& asker : askers) {
    EXPECT_FALSE(asker.ask(pool, endpoint()));
  }
  for (const auto& asker : askers) {
    finish(asker);
  }
  EXPECT_EQ(server.accepted(), 1U);
  EXPECT_EQ(pool.counts().connects, 1U);
  EXPECT_EQ(pool.counts().open, 1U);
  EXPECT_EQ(pool.counts().idle, 1U);
}

TEST_F(H2PoolTest, LendsAStreamOfAWarmConnection) {
  Asker first;
  first.ask(pool, endpoint());
  finish(first);
  Asker second;
  Asker third;
  EXPECT_TRUE(second.ask(pool, endpoint()));
  EXPECT_TRUE(third.ask(pool, endpoint()));
  EXPECT_EQ(pool.counts().idle, 0U);
  finish(second);
  finish(third);
  EXPECT_EQ(server.accepted(), 1U);
  EXPECT_EQ(pool.counts().reuses, 2U);
}

TEST_F(H2PoolTest, OpensAnotherWhereOneIsFull) {
  options.upstream_streams = 4;
  std::array<Asker, 10> askers;
  for (auto& asker : askers) {
    asker.ask(pool, endpoint());
  }
  for (const auto& asker : askers) {
    finish(asker);
  }
  EXPECT_EQ(server.accepted(), 3U);
}

TEST_F(H2PoolTest, ConnectsAnewWhereItIsAskedTo) {
  Asker first;
  first.ask(pool, endpoint());
  finish(first);
  Asker second;
  EXPECT_FALSE(second.ask(pool, endpoint(), Reuse::kFresh));
  finish(second);
  EXPECT_EQ(server.accepted(), 2U);
}

TEST_F(H2PoolTest, KeepsEndpointsAndWaysApart) {
  Asker first;
  first.ask(pool, endpoint(0));
  finish(first);
  Asker second;
  EXPECT_FALSE(second.ask(pool, endpoint(1)));
  finish(second);
}

TEST_F(H2PoolTest, SharesNothingThatAPROXYHeaderHasNamedAClientFor) {
  Asker plain;
  plain.ask(pool, endpoint());
  std::array<Asker, 3> askers;
  for (std::uint16_t i = 0; i < askers.size(); ++i) {
    if (i == 2) {
      finish(plain);  // from now on there is a warm connection
    }
    const exchange::Announcement client{
        .client = *net::SocketAddress::from("192.0.2.7", static_cast<std::uint16_t>(4711 + i)),
        .destination = *net::SocketAddress::parse("192.0.2.1:80")};
    auto announced = endpoint();
    announced.announcement = &client;
    EXPECT_FALSE(askers[i].ask(pool, announced));
  }
  Asker other;
  EXPECT_TRUE(other.ask(pool, endpoint()));
  for (const auto& asker : askers) {
    finish(asker);
  }
  std::ranges::sort(server.announced);
  EXPECT_THAT(server.announced, ElementsAre("PROXY TCP4 192.0.2.7 192.0.2.1 4711 80",
                                            "PROXY TCP4 192.0.2.7 192.0.2.1 4712 80",
                                            "PROXY TCP4 192.0.2.7 192.0.2.1 4713 80"));
  EXPECT_EQ(server.accepted(), 4U);
  run_until([&] { return pool.counts().open == 1; });
}

TEST_F(H2PoolTest, ForgetsAConnectionThatItsEndpointCloses) {
  Asker first;
  first.ask(pool, endpoint());
  finish(first);
  server.close_all();
  run_until([&] { return pool.counts().open == 0; });
  EXPECT_EQ(pool.counts().idle, 0U);
  Asker second;
  EXPECT_FALSE(second.ask(pool, endpoint()));
  finish(second);
}

TEST_F(H2PoolTest, ClosesWhatIsRetiredOnceItIsIdle) {
  Asker first;
  first.ask(pool, endpoint());
  finish(first);
  pool.retire(EndpointId{0});
  run_until([&] { return pool.counts().open == 0; });
}

TEST_F(H2PoolTest, TellsEverybodyAConnectThatFails) {
  std::optional<H2Server> gone(std::in_place, loop);
  auto dead = endpoint(7);
  dead.address = gone->address();
  gone.reset();
  std::array<Asker, 3> askers;
  for (auto& asker : askers) {
    asker.ask(pool, dead);
  }
  run_until([&] { return askers.back().error.has_value(); });
  for (const auto& asker : askers) {
    EXPECT_EQ(asker.error, routing::upstream_error::kConnectRefused);
  }
  EXPECT_EQ(pool.counts().connect_failures, 1U);
}

TEST_F(H2PoolTest, OneWhoGivesUpLeavesTheOthersWaiting) {
  std::optional<Asker> first(std::in_place);
  Asker second;
  first->ask(pool, endpoint());
  second.ask(pool, endpoint());
  first.reset();
  finish(second);
  EXPECT_EQ(server.requests, 1);
}

// ---- limits

struct LimitedH2PoolTest : H2PoolTest {
  LimitedH2PoolTest() {
    circuit.set({.connections = 1});
    options.upstream_streams = 2;
  }
  exchange::Endpoint limited(std::uint32_t id = 0) {
    auto to = endpoint(id);
    to.circuit = &circuit;
    return to;
  }
};

TEST_F(LimitedH2PoolTest, WhatAConnectionCarriesCountsInOneCircuit) {
  other_circuit.set({.connections = 1});
  auto of_other = endpoint();
  of_other.circuit = &other_circuit;
  server.answers = false;
  std::array<Asker, 3> askers;
  askers[0].ask(pool, limited());
  EXPECT_FALSE(askers[1].ask(pool, of_other)) << "though one is coming";
  run_until([&] { return server.requests == 2; });
  EXPECT_FALSE(askers[2].ask(pool, endpoint())) << "though two have room";
  run_until([&] { return server.requests == 3; });
  EXPECT_EQ(server.accepted(), 3U);
  EXPECT_EQ(circuit.connections.inside(), 1U);
  EXPECT_EQ(other_circuit.connections.inside(), 1U);
  for (auto& asker : askers) {
    asker.sink.release();
  }
  pool.retire(EndpointId{0});
  run_until([&] { return pool.counts().open == 0; });
}

TEST_F(LimitedH2PoolTest, OneThatIsIdleCountsForWhoeverUsesItNext) {
  Asker first;
  first.ask(pool, limited());
  finish(first);
  Asker second;
  EXPECT_TRUE(second.ask(pool, endpoint()));
  EXPECT_EQ(circuit.connections.inside(), 0U);
  finish(second);
  Asker third;
  EXPECT_TRUE(third.ask(pool, limited()));
  EXPECT_EQ(circuit.connections.inside(), 1U);
  finish(third);
}

TEST_F(LimitedH2PoolTest, AsManyAreClosedAsWaitElsewhere) {
  circuit.set({.connections = 2});
  std::array<Asker, 2> idle;
  std::array<Asker, 2> askers;
  for (std::uint32_t i = 0; i < 2; ++i) {
    idle[i].ask(pool, limited(i));
    finish(idle[i]);
  }
  Pool elsewhere(loop, options, reaper);
  for (std::uint32_t i = 0; i < 2; ++i) {
    askers[i].ask(elsewhere, limited(i));
  }
  for (const auto& asker : askers) {
    finish(asker);
  }
  EXPECT_EQ(pool.counts().open, 0U);
}

TEST_F(LimitedH2PoolTest, AConnectThatNobodyWaitsForAnyMoreMakesRoomForWhoDoes) {
  Asker first;
  first.ask(pool, limited(0));
  Asker second;
  second.ask(pool, limited(1));
  first.pending.reset();
  finish(second);
  EXPECT_EQ(circuit.connections.inside(), 1U);
}

TEST_F(LimitedH2PoolTest, StreamsThatComeBackServeWhoWaits) {
  std::array<Asker, 7> askers;
  for (auto& asker : askers) {
    EXPECT_FALSE(asker.ask(pool, limited()));
  }
  for (const auto& asker : askers) {
    finish(asker);
  }
  EXPECT_EQ(server.accepted(), 1U);
  EXPECT_EQ(pool.counts().connects, 1U);
  run_until([&] { return circuit.connections.waiting() == 0; });
  EXPECT_EQ(circuit.connections.inside(), 1U);
}

TEST_F(LimitedH2PoolTest, OneThatIsIdleMakesRoomForOneToAnotherEndpoint) {
  Asker first;
  first.ask(pool, limited(0));
  finish(first);
  Asker second;
  EXPECT_FALSE(second.ask(pool, limited(1)));
  finish(second);
  EXPECT_EQ(server.accepted(), 2U);
  EXPECT_EQ(circuit.connections.inside(), 1U);
  EXPECT_EQ(pool.counts().open, 1U);
}

TEST_F(LimitedH2PoolTest, OneThatBecomesIdleElsewhereMakesRoom) {
  Pool other(loop, options, reaper);
  Asker first;
  first.ask(pool, limited());
  Asker second;
  EXPECT_FALSE(second.ask(other, limited()));
  EXPECT_EQ(circuit.connections.waiting(), 1U);
  finish(first);
  finish(second);
  EXPECT_EQ(circuit.connections.inside(), 1U);
  EXPECT_EQ(pool.counts().open, 0U);
}

TEST_F(LimitedH2PoolTest, NobodyWaitsLongerThanForAConnect) {
  server.answers = false;
  Asker first;
  first.ask(pool, limited(0));
  run_until([&] { return server.requests == 1; });
  Asker second;
  second.ask(pool, limited(1), Reuse::kAllowed, std::chrono::milliseconds(1));
  run_until([&] { return second.error.has_value(); });
  EXPECT_EQ(*second.error, exchange::kNoConnection);
  EXPECT_EQ(circuit.connections.waiting(), 0U);
  first.sink.release();
}

TEST_F(LimitedH2PoolTest, AConnectThatNobodyWaitsForAnyMoreGivesItsTurnUp) {
  server.answers = false;
  Asker first;
  first.ask(pool, limited(0));
  run_until([&] { return server.requests == 1; });
  Asker second;
  second.ask(pool, limited(1));
  second.pending.reset();
  first.sink.release();
  server.close_all();
  run_until([&] { return circuit.connections.waiting() == 0; });
  run_until([&] { return circuit.connections.inside() == 0; });
  EXPECT_EQ(pool.counts().connects, 1U);
}

}  // namespace
}  // namespace portico::upstream
