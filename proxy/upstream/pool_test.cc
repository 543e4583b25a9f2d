#include "proxy/upstream/pool.h"

#include <gtest/gtest.h>

#include "proxy/net/listener.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/upstream/testing/scene.h"

namespace portico::upstream {
namespace {

using exchange::EndpointId;
using exchange::Reuse;

// A backend that takes every request for one and answers it.
class Server final {
 public:
  explicit Server(net::Loop& loop) {
    auto opened = net::Listener::open(
        loop, *net::SocketAddress::parse("127.0.0.1:0"), [this, &loop](net::AcceptedSocket socket) {
          clients_.push_back(
              std::make_unique<Client>(net::make_tcp_transport(loop, std::move(socket))));
        });
    EXPECT_TRUE(opened);
    listener_ = std::move(*opened);
  }
  [[nodiscard]] const net::SocketAddress& address() const { return listener_->local_address(); }
  [[nodiscard]] std::size_t accepted() const { return clients_.size(); }
  void close_all() { clients_.clear(); }

 private:
  struct Client final : net::TransportSink {
    explicit Client(std::unique_ptr<net::Transport> given) : transport(std::move(given)) {
      transport->start(*this);
    }
    std::size_t on_bytes(std::span<char> bytes) override {
      const iovec piece{const_cast<char*>(testing::kAnswer.data()), testing::kAnswer.size()};
      transport->write({&piece, 1});
      return bytes.size();
    }
    void on_end() override {}
    void on_drained() override {}
    void on_error(net::TransportError) override {}
    std::unique_ptr<net::Transport> transport;
  };
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::unique_ptr<Client>> clients_;
};

class Waiter final : public exchange::AcquireSink {
 public:
  void on_acquired(exchange::ClientStream& acquired) override { stream = &acquired; }
  void on_acquire_failed(const routing::ProxyError& failed) override { error = failed; }
  exchange::ClientStream* stream = nullptr;
  std::optional<routing::ProxyError> error;
};

struct PoolTest : ::testing::Test {
  template <class Done>
  void run_until(Done done) {
    ASSERT_TRUE(loop.run_until(done, std::chrono::seconds(60)));
  }
  exchange::Endpoint endpoint(std::uint32_t id = 0) {
    return {.id = EndpointId{id}, .address = server.address()};
  }
  // Lends a connection; true if it was warm.
  bool acquire(const exchange::Endpoint& to, testing::FakeExchange& exchange,
               Reuse reuse = Reuse::kAllowed) {
    Waiter waiter;
    auto acquired = pool.acquire(to, reuse, std::chrono::seconds(60), exchange, waiter);
    const bool warm = acquired.stream != nullptr;
    if (!warm) {
      loop.run_until([&] { return waiter.stream != nullptr; }, std::chrono::seconds(60));
      acquired.stream = waiter.stream;
    }
    EXPECT_NE(acquired.stream, nullptr);
    exchange.stream = acquired.stream;
    return warm;
  }
  // Sends a request and reads its answer: the connection is idle again.
  void use(testing::FakeExchange& exchange) {
    http::FieldBlock fields;
    exchange.stream->send_head(
        {.method_text = "GET", .target = "/", .authority = "a", .fields = &fields}, false);
    exchange.stream->read_more(true);
    exchange.stream->end(nullptr);
    run_until([&] { return exchange.ends == 1; });
  }
  bool request(const exchange::Endpoint& to, Reuse reuse = Reuse::kAllowed) {
    testing::FakeExchange exchange;
    const bool warm = acquire(to, exchange, reuse);
    use(exchange);
    return warm;
  }

  net::Loop loop;
  exchange::Options options;
  exchange::Reaper reaper{loop};
  exchange::Circuit circuit;  // with the other one, outlives the pool that holds its connections
  exchange::Circuit other_circuit;
  Pool pool{loop, options, reaper};
  Server server{loop};
};

TEST_F(PoolTest, UsesAWarmConnectionAgain) {
  EXPECT_FALSE(request(endpoint()));
  EXPECT_TRUE(request(endpoint()));
  EXPECT_EQ(server.accepted(), 1U);
  EXPECT_EQ(pool.counts().connects, 1U);
  EXPECT_EQ(pool.counts().reuses, 1U);
  EXPECT_EQ(pool.counts().open, 1U);
  EXPECT_EQ(pool.counts().idle, 1U);
}

TEST_F(PoolTest, LendsWhatAPROXYHeaderHasNamedAClientForOnlyOnce) {
  const exchange::Announcement client{.client = *net::SocketAddress::parse("192.0.2.7:4711"),
                                      .destination = *net::SocketAddress::parse("192.0.2.1:80")};
  auto announced = endpoint();
  announced.announcement = &client;
  EXPECT_FALSE(request(announced));
  EXPECT_EQ(pool.counts().open, 0U);
  EXPECT_FALSE(request(announced));
  EXPECT_FALSE(request(endpoint())) << "what speaks for one client must not carry another's";
  EXPECT_EQ(server.accepted(), 3U);
}

TEST_F(PoolTest, ConnectsAnewWhereItIsAskedTo) {
  request(endpoint());
  EXPECT_FALSE(request(endpoint(), Reuse::kFresh));
  EXPECT_EQ(pool.counts().idle, 2U);
}

TEST_F(PoolTest, LendsTheConnectionUsedLast) {
  testing::FakeExchange first;
  testing::FakeExchange second;
  acquire(endpoint(), first);
  acquire(endpoint(), second);
  auto* const last = second.stream;
  use(first);
  use(second);
  testing::FakeExchange third;
  EXPECT_TRUE(acquire(endpoint(), third));
  EXPECT_EQ(third.stream, last);
  third.release();
}

TEST_F(PoolTest, KeepsEndpointsApart) {
  request(endpoint(0));
  EXPECT_FALSE(request(endpoint(1)));
}

TEST_F(PoolTest, ClosesIdleConnectionsOfARetiredEndpoint) {
  request(endpoint());
  pool.retire(EndpointId{0});
  EXPECT_EQ(pool.counts().open, 0U);
  EXPECT_EQ(pool.counts().idle, 0U);
}

TEST_F(PoolTest, ClosesALentConnectionOfARetiredEndpointWhenItComesBack) {
  testing::FakeExchange exchange;
  acquire(endpoint(), exchange);
  pool.retire(EndpointId{0});
  EXPECT_EQ(pool.counts().open, 1U);
  use(exchange);
  EXPECT_EQ(exchange.body, "hi");
  EXPECT_EQ(pool.counts().open, 0U);
}

TEST_F(PoolTest, NeverLendsAConnectionToAnotherAddress) {
  request(endpoint(0));
  Server other(loop);
  const exchange::Endpoint same_id{.id = EndpointId{0}, .address = other.address()};
  EXPECT_FALSE(request(same_id));
  EXPECT_EQ(other.accepted(), 1U);
  EXPECT_TRUE(request(same_id));
}

TEST_F(PoolTest, KeepsNoMoreIdleConnectionsThanItMay) {
  options.upstream_idle_connections = 1;
  testing::FakeExchange first;
  testing::FakeExchange second;
  acquire(endpoint(), first);
  acquire(endpoint(), second);
  use(first);
  use(second);
  EXPECT_EQ(pool.counts().idle, 1U);
  EXPECT_EQ(pool.counts().open, 1U);
}

TEST_F(PoolTest, ClosesTheOneThatIdledLongestWhosoeverItIs) {
  options.upstream_idle_connections = 1;
  request(endpoint(0));
  request(endpoint(1));
  EXPECT_EQ(pool.counts().idle, 1U);
  EXPECT_TRUE(request(endpoint(1)));
  EXPECT_FALSE(request(endpoint(0)));
}

TEST_F(PoolTest, ForgetsAConnectionThatItsEndpointCloses) {
  request(endpoint());
  server.close_all();
  run_until([&] { return pool.counts().open == 0; });
  EXPECT_EQ(pool.counts().idle, 0U);
  EXPECT_FALSE(request(endpoint()));
}

TEST_F(PoolTest, CountsAndTellsAConnectThatFails) {
  std::optional<Server> gone(std::in_place, loop);
  const exchange::Endpoint dead{.id = EndpointId{7}, .address = gone->address()};
  gone.reset();
  testing::FakeExchange exchange;
  Waiter waiter;
  const auto acquired =
      pool.acquire(dead, Reuse::kAllowed, std::chrono::seconds(60), exchange, waiter);
  EXPECT_EQ(acquired.stream, nullptr);
  run_until([&] { return waiter.error.has_value(); });
  EXPECT_EQ(*waiter.error, routing::upstream_error::kConnectRefused);
  EXPECT_EQ(pool.counts().connect_failures, 1U);
}

TEST_F(PoolTest, GivesUpAConnectThatNobodyWaitsFor) {
  testing::FakeExchange exchange;
  Waiter waiter;
  pool.acquire(endpoint(), Reuse::kAllowed, std::chrono::seconds(60), exchange, waiter);
  request(endpoint());
  EXPECT_EQ(waiter.stream, nullptr);
  EXPECT_FALSE(waiter.error);
  EXPECT_EQ(pool.counts().open, 1U);
}

// ---- limits

struct LimitedPoolTest : PoolTest {
  LimitedPoolTest() { circuit.set({.connections = 1}); }
  exchange::Endpoint limited(std::uint32_t id = 0) { return counted_in(circuit, id); }
  exchange::Endpoint counted_in(exchange::Circuit& of, std::uint32_t id = 0) {
    auto to = endpoint(id);
    to.circuit = &of;
    return to;
  }
  std::unique_ptr<exchange::PendingAcquire> begin(
      Pool& by, testing::FakeExchange& exchange, Waiter& waiter, const exchange::Endpoint& to,
      std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
    auto acquired = by.acquire(to, Reuse::kAllowed, timeout, exchange, waiter);
    EXPECT_EQ(acquired.stream, nullptr);
    return std::move(acquired.pending);
  }
  // Without waiting for it: true where one was lent at once.
  bool lends(const exchange::Endpoint& to, testing::FakeExchange& exchange) {
    Waiter waiter;
    exchange.stream =
        pool.acquire(to, Reuse::kAllowed, std::chrono::seconds(60), exchange, waiter).stream;
    return exchange.stream != nullptr;
  }
};

TEST_F(LimitedPoolTest, AConnectionCountsForWhoeverUsesIt) {
  other_circuit.set({.connections = 1});
  request(limited());
  EXPECT_TRUE(request(counted_in(other_circuit)));
  EXPECT_EQ(circuit.connections.inside(), 0U);
  EXPECT_EQ(other_circuit.connections.inside(), 1U);
  EXPECT_TRUE(request(limited()));
  EXPECT_EQ(circuit.connections.inside(), 1U);
  EXPECT_EQ(other_circuit.connections.inside(), 0U);
}

TEST_F(LimitedPoolTest, WhoHasNoLimitsCarriesNobodysConnectionsOff) {
  request(limited());
  testing::FakeExchange tunnel;
  ASSERT_TRUE(lends(endpoint(), tunnel));
  EXPECT_EQ(circuit.connections.inside(), 0U);
  EXPECT_FALSE(request(limited()));
  tunnel.release();
  EXPECT_EQ(circuit.connections.inside(), 1U);
}

TEST_F(LimitedPoolTest, WhoHasAllThatHeMayTakesNobodyElses) {
  other_circuit.set({.connections = 1});
  testing::FakeExchange busy;
  acquire(counted_in(other_circuit), busy);
  request(limited());
  testing::FakeExchange exchange;
  EXPECT_FALSE(lends(counted_in(other_circuit), exchange));
  EXPECT_EQ(circuit.connections.inside(), 1U);
  EXPECT_EQ(other_circuit.connections.inside(), 1U);
  busy.release();
}

TEST_F(LimitedPoolTest, WhoHasAllThatHeMayUsesHisOwnOneThatIsIdle) {
  other_circuit.set({.connections = 1});
  testing::FakeExchange first;
  testing::FakeExchange second;
  acquire(counted_in(other_circuit), first);
  acquire(limited(), second);
  use(first);
  use(second);
  EXPECT_TRUE(request(counted_in(other_circuit)));
  EXPECT_EQ(pool.counts().open, 2U);
}

TEST_F(LimitedPoolTest, ALineForConnectionsHasAnEnd) {
  struct Nobody final : exchange::Turnstile::Waiter {
    void on_turn() override {}
  };
  testing::FakeExchange busy;
  acquire(limited(), busy);
  Nobody nobody;
  std::vector<exchange::Turnstile::Turn> line;
  while (line.size() < exchange::CircuitLimits::kPending) {
    line.push_back(circuit.connections.wait(loop, nobody, exchange::Turnstile::kNoLimit));
  }
  testing::FakeExchange exchange;
  Waiter waiter;
  const auto pending = begin(pool, exchange, waiter, limited(), std::chrono::hours(1));
  EXPECT_FALSE(waiter.error);
  run_until([&] { return waiter.error.has_value(); });
  EXPECT_EQ(*waiter.error, exchange::kNoConnection);
  line.clear();
  busy.release();
}

TEST_F(LimitedPoolTest, AConnectionCountsUntilItIsClosed) {
  request(limited());
  EXPECT_EQ(circuit.connections.inside(), 1U);
  EXPECT_TRUE(request(limited()));
  pool.retire(EndpointId{0});
  EXPECT_EQ(circuit.connections.inside(), 0U);
}

TEST_F(LimitedPoolTest, AConnectThatIsGivenUpCountsNoMore) {
  testing::FakeExchange exchange;
  Waiter waiter;
  auto pending = begin(pool, exchange, waiter, limited());
  EXPECT_EQ(circuit.connections.inside(), 1U);
  pending.reset();
  EXPECT_EQ(circuit.connections.inside(), 0U);
}

TEST_F(LimitedPoolTest, AnIdleOneMakesRoomForOneToAnotherEndpoint) {
  request(limited(0));
  EXPECT_FALSE(request(limited(1)));
  EXPECT_EQ(pool.counts().open, 1U);
  EXPECT_EQ(circuit.connections.inside(), 1U);
}

TEST_F(LimitedPoolTest, OneThatIsIdleElsewhereMakesRoom) {
  Pool other(loop, options, reaper);
  request(limited());
  testing::FakeExchange exchange;
  Waiter waiter;
  const auto pending = begin(other, exchange, waiter, limited());
  run_until([&] { return waiter.stream != nullptr; });
  EXPECT_EQ(pool.counts().open, 0U);
  EXPECT_EQ(circuit.connections.inside(), 1U);
  waiter.stream->release();
}

TEST_F(LimitedPoolTest, OneThatComesBackMakesRoomForWhoeverWaits) {
  Pool other(loop, options, reaper);
  testing::FakeExchange busy;
  acquire(limited(), busy);
  testing::FakeExchange exchange;
  Waiter waiter;
  const auto pending = begin(other, exchange, waiter, limited());
  EXPECT_EQ(circuit.connections.waiting(), 1U);
  use(busy);
  run_until([&] { return waiter.stream != nullptr; });
  EXPECT_EQ(circuit.connections.inside(), 1U);
  waiter.stream->release();
}

TEST_F(LimitedPoolTest, NobodyWaitsForOneLongerThanForAConnect) {
  testing::FakeExchange busy;
  acquire(limited(), busy);
  testing::FakeExchange exchange;
  Waiter waiter;
  const auto pending = begin(pool, exchange, waiter, limited(), std::chrono::milliseconds(1));
  run_until([&] { return waiter.error.has_value(); });
  EXPECT_EQ(*waiter.error, exchange::kNoConnection);
  busy.release();
}

TEST_F(LimitedPoolTest, WhoGivesUpWaitingIsForgotten) {
  testing::FakeExchange busy;
  acquire(limited(), busy);
  testing::FakeExchange exchange;
  Waiter waiter;
  auto pending = begin(pool, exchange, waiter, limited());
  pending.reset();
  EXPECT_EQ(circuit.connections.waiting(), 0U);
  busy.release();
  EXPECT_EQ(circuit.connections.inside(), 0U);
}

}  // namespace
}  // namespace portico::upstream
