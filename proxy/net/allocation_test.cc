// The warm path allocates nothing.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "proxy/net/connector.h"
#include "proxy/net/deadline.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/net/testing/recording_sink.h"

namespace {
std::size_t allocations = 0;  // tests are single-threaded where they look at it
}

// TSan's own operator new can't be replaced; there the test counts nothing and only runs the path.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PORTICO_TSAN
#endif
#endif
#if !defined(PORTICO_TSAN) && !defined(__SANITIZE_THREAD__)
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) {
    return memory;
  }
  std::abort();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif

namespace portico::net {
namespace {

using namespace std::chrono_literals;

// Sends back what comes.
struct Echo final : TransportSink {
  explicit Echo(Loop& loop, std::unique_ptr<Transport> t)
      : transport(std::move(t)), deadline(loop, [] {}) {
    transport->start(*this);
  }
  std::size_t on_bytes(std::span<char> bytes) override {
    ++rounds;
    deadline.arm(60s);
    testing::write(*transport, {bytes.data(), bytes.size()});
    return bytes.size();
  }
  void on_end() override {}
  void on_drained() override {}
  void on_error(TransportError) override {}

  std::unique_ptr<Transport> transport;
  Deadline deadline;
  int rounds = 0;
};

TEST(WarmPath, AHundredRoundTripsAllocateNothing) {
  Loop loop;
  std::unique_ptr<Echo> server;
  std::unique_ptr<Echo> client;
  auto listener =
      *Listener::open(loop, *SocketAddress::from("127.0.0.1", 0), [&](AcceptedSocket socket) {
        server = std::make_unique<Echo>(loop, make_tcp_transport(loop, std::move(socket)));
      });
  Connector connector(loop, listener->local_address(), 60s, [&](auto result) {
    client = std::make_unique<Echo>(loop, std::move(*result));
  });
  ASSERT_TRUE(loop.run_until([&] { return server && client; }, 60s));
  testing::write(*client->transport, "ping");
  ASSERT_TRUE(loop.run_until([&] { return client->rounds >= 100; }, 60s));
  const std::size_t before = allocations;
  const int rounds = client->rounds;
  const bool done = loop.run_until([&] { return client->rounds >= rounds + 100; }, 60s);
  const std::size_t after = allocations;
  EXPECT_TRUE(done);
  EXPECT_LE(after - before, 2);  // run_until's own predicate
}

}  // namespace
}  // namespace portico::net
