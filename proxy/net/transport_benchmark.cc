// What a round trip over two transports of one loop costs, and what an idle one holds.
#include <malloc.h>

#include <benchmark/benchmark.h>

#include "proxy/net/connector.h"
#include "proxy/net/fd_limit.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/tcp_transport.h"

namespace portico::net {
namespace {

using namespace std::chrono_literals;

struct Echo final : TransportSink {
  explicit Echo(std::unique_ptr<Transport> t) : transport(std::move(t)) { transport->start(*this); }
  std::size_t on_bytes(std::span<char> bytes) override {
    ++rounds;
    const iovec piece{bytes.data(), bytes.size()};
    transport->write({&piece, 1});
    return bytes.size();
  }
  void on_end() override {}
  void on_drained() override {}
  void on_error(TransportError) override {}

  std::unique_ptr<Transport> transport;
  std::size_t rounds = 0;
};

struct Pairs {
  explicit Pairs(std::size_t count) {
    raise_fd_limit();
    for (std::size_t i = 0; i < count; ++i) {
      Connector connector(loop, listener->local_address(), 5s, [this](auto result) {
        clients.push_back(std::make_unique<Echo>(std::move(*result)));
      });
      loop.run_until([&] { return clients.size() == i + 1 && servers.size() == i + 1; }, 5s);
    }
  }

  Loop loop;
  std::vector<std::unique_ptr<Echo>> clients;
  std::vector<std::unique_ptr<Echo>> servers;
  std::unique_ptr<Listener> listener =
      *Listener::open(loop, *SocketAddress::from("127.0.0.1", 0), [this](AcceptedSocket socket) {
        servers.push_back(std::make_unique<Echo>(make_tcp_transport(loop, std::move(socket))));
      });
};

void EchoRoundTrip(benchmark::State& state) {
  Pairs pairs(static_cast<std::size_t>(state.range(0)));
  const char byte = 'x';
  const iovec piece{const_cast<char*>(&byte), 1};
  for (auto& client : pairs.clients) {
    client->transport->write({&piece, 1});
  }
  std::size_t target = 0;
  std::size_t trips = 0;
  for (auto _ : state) {
    target += 100;
    pairs.loop.run_until([&] { return pairs.clients[0]->rounds >= target; }, 5s);
    trips += 100 * pairs.clients.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(trips));
}
BENCHMARK(EchoRoundTrip)->Arg(1)->Arg(64);

void IdleMemory(benchmark::State& state) {
  constexpr std::size_t kCount = 4000;
  Pairs pairs(1);
  pairs.clients.reserve(2 * kCount);
  pairs.servers.reserve(2 * kCount);
  const auto before = mallinfo2();
  {
    std::vector<std::unique_ptr<Connector>> connectors;
    for (std::size_t i = 0; i < kCount; ++i) {
      Connector connector(pairs.loop, pairs.listener->local_address(), 5s, [&](auto result) {
        pairs.clients.push_back(std::make_unique<Echo>(std::move(*result)));
      });
      pairs.loop.run_until(
          [&] { return pairs.servers.size() == i + 2 && pairs.clients.size() == i + 2; }, 5s);
    }
  }
  // Each has carried something before it went idle.
  for (auto& client : pairs.clients) {
    const iovec piece{const_cast<char*>("x"), 1};
    client->transport->write({&piece, 1});
  }
  pairs.loop.run_until([&] { return pairs.clients.back()->rounds > 0; }, 5s);
  for (auto _ : state) {
    const auto after = mallinfo2();
    state.counters["bytes_each"] =
        static_cast<double>(after.uordblks - before.uordblks) / (2.0 * kCount);
  }
}
BENCHMARK(IdleMemory)->Iterations(1);

}  // namespace
}  // namespace portico::net
