#include "proxy/net/listener.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "proxy/net/connector.h"
#include "proxy/net/fd_limit.h"
#include "proxy/net/loop.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/net/testing/peer.h"

namespace portico::net {
namespace {

using namespace std::chrono_literals;

const SocketAddress kAnyPort = *SocketAddress::from("127.0.0.1", 0);

class ListenerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Listener> open(const SocketAddress& address) {
    auto listener = Listener::open(
        loop_, address, [this](AcceptedSocket socket) { accepted_.push_back(std::move(socket)); });
    EXPECT_TRUE(listener) << listener.error();
    return std::move(*listener);
  }
  bool until(std::move_only_function<bool()> done) { return loop_.run_until(std::move(done), 60s); }

  Loop loop_;
  std::vector<AcceptedSocket> accepted_;
};

TEST_F(ListenerTest, WorkersShareOnePort) {
  const auto first = open(kAnyPort);
  ASSERT_NE(first->local_address().port(), 0);
  const auto second = open(first->local_address());
  EXPECT_EQ(first->local_address(), second->local_address());
}

TEST_F(ListenerTest, AcceptsMoreThanOneTurnTakes) {
  const auto listener = open(kAnyPort);
  std::vector<std::unique_ptr<testing::Peer>> peers;
  for (int i = 0; i < 200; ++i) {
    peers.push_back(testing::connect_plain(listener->local_address()));
  }
  ASSERT_TRUE(until([this] { return accepted_.size() == 200; }));
  EXPECT_TRUE(accepted_[0].peer().is_loopback());
  EXPECT_EQ(accepted_[0].local(), listener->local_address());
}

TEST_F(ListenerTest, BothFamiliesReachTheUnspecifiedAddress) {
  const auto listener = open(*SocketAddress::parse("[::]:0"));
  const auto peer = testing::connect_plain(kAnyPort.with_port(listener->local_address().port()));
  ASSERT_TRUE(until([this] { return accepted_.size() == 1; }));
  EXPECT_EQ(accepted_[0].peer().ip_text(), "127.0.0.1");
}

TEST_F(ListenerTest, StoppingServesTheQueueAndThenRefuses) {
  const auto listener = open(kAnyPort);
  std::vector<std::unique_ptr<testing::Peer>> peers;
  for (int i = 0; i < 100; ++i) {
    peers.push_back(testing::connect_plain(listener->local_address()));
  }
  listener->stop_accepting();
  EXPECT_EQ(accepted_.size(), 100);
  EXPECT_LT(testing::connect_plain(listener->local_address())->fd(), 0);
}

TEST_F(ListenerTest, MayBeDestroyedWhileAccepting) {
  std::unique_ptr<Listener> listener;
  int accepted = 0;
  listener = *Listener::open(loop_, kAnyPort, [&](AcceptedSocket) {
    ++accepted;
    listener.reset();
  });
  const SocketAddress address = listener->local_address();
  const auto first = testing::connect_plain(address);
  const auto second = testing::connect_plain(address);
  EXPECT_TRUE(until([&] { return listener == nullptr; }));
  EXPECT_EQ(accepted, 1);
}

TEST_F(ListenerTest, ProbingFindsAPortThatReuseportWouldHide) {
  EXPECT_TRUE(probe_address(kAnyPort));
  const auto listener = open(kAnyPort);
  const auto probed = probe_address(listener->local_address());
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error(), "cannot listen on " + listener->local_address().to_string() +
                                ": the port is in use by another program");
}

TEST_F(ListenerTest, AnAddressOfAnotherMachineIsRefusedInOneLine) {
  const auto elsewhere = *SocketAddress::from("192.0.2.1", 0);
  const auto listener = Listener::open(loop_, elsewhere, [](AcceptedSocket) {});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error(), "cannot listen on 192.0.2.1:0: this machine has no such address");
}

// In a process of its own: the limit is the process's.
int serve_without_descriptors() {
  Loop loop;
  std::vector<AcceptedSocket> accepted;
  auto listener = *Listener::open(loop, kAnyPort, [&accepted](AcceptedSocket socket) {
    accepted.push_back(std::move(socket));
  });
  std::vector<std::unique_ptr<testing::Peer>> peers;
  for (int i = 0; i < 10; ++i) {
    peers.push_back(testing::connect_plain(listener->local_address()));
  }
  // Descriptors are used up from the lowest: room for two more.
  const int next = ::dup(0);
  ::close(next);
  const rlimit limit{.rlim_cur = static_cast<rlim_t>(next) + 2, .rlim_max = 4096};
  setrlimit(RLIMIT_NOFILE, &limit);
  if (!loop.run_until([&] { return accepted.size() + listener->shed_count() == 10; }, 60s)) {
    return 1;
  }
  if (listener->shed_count() != 8) {
    return 2;
  }
  if (raise_fd_limit() != 4096) {
    return 3;
  }
  const auto late = testing::connect_plain(listener->local_address());
  return loop.run_until([&] { return accepted.size() == 3; }, 60s) ? 0 : 4;
}

TEST_F(ListenerTest, ShedsLoadWithoutDescriptorsAndRecovers) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(serve_without_descriptors());
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

class ConnectorTest : public ListenerTest {
 protected:
  using Result = std::expected<std::unique_ptr<Transport>, TransportError>;
  Connector::Handler into(std::optional<Result>& result) {
    return [&result](Result r) { result.emplace(std::move(r)); };
  }
};

TEST_F(ConnectorTest, GivesATransportLater) {
  const auto listener = open(kAnyPort);
  std::optional<Result> result;
  Connector connector(loop_, listener->local_address(), 60s, into(result));
  EXPECT_FALSE(result);
  ASSERT_TRUE(until([&] { return result.has_value() && !accepted_.empty(); }));
  ASSERT_TRUE(result->has_value());
  EXPECT_EQ((**result)->info().peer, listener->local_address());
  EXPECT_EQ((**result)->info().local, accepted_[0].peer());
}

TEST_F(ConnectorTest, ARefusalIsToldLater) {
  auto listener = open(kAnyPort);
  const SocketAddress address = listener->local_address();
  listener.reset();
  std::optional<Result> result;
  Connector connector(loop_, address, 60s, into(result));
  EXPECT_FALSE(result);
  ASSERT_TRUE(until([&] { return result.has_value(); }));
  EXPECT_EQ(result->error(), TransportError::kConnectRefused);
}

TEST_F(ConnectorTest, WhatThisMachineLacksIsNobodyElsesFault) {
  const auto listener = open(kAnyPort);
  const auto address = listener->local_address();
  // What a sanitizer needs descriptors for, it needs them for once.
  std::optional<Result> before;
  Connector warm(loop_, address, 60s, into(before));
  ASSERT_TRUE(until([&] { return before.has_value(); }));
  std::optional<Result> result;
  auto handler = into(result);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  auto none = limit;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Connector connector(loop_, address, 60s, std::move(handler));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_TRUE(until([&] { return result.has_value(); }));
  EXPECT_EQ(result->error(), TransportError::kOther);
}

TEST_F(ConnectorTest, TakesNoLongerThanItMay) {
  // A queue of one that is full and never emptied: the kernel drops what else arrives.
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(fd, kAnyPort.data(), kAnyPort.size()), 0);
  ASSERT_EQ(::listen(fd, 0), 0);
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  const auto address = *SocketAddress::from(reinterpret_cast<sockaddr&>(storage), length);
  const auto filler = testing::connect_plain(address);
  std::optional<Result> result;
  Connector connector(loop_, address, 100ms, into(result));
  ASSERT_TRUE(until([&] { return result.has_value(); }));
  EXPECT_EQ(result->error(), TransportError::kTimedOut);
  ::close(fd);
}

// The descriptor that is connected as `info` says.
int descriptor_of(const TransportInfo& info) {
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) == 0 &&
        SocketAddress::from(reinterpret_cast<sockaddr&>(storage), length) == info.local) {
      return fd;
    }
  }
  return -1;
}

TEST_F(ConnectorTest, SetsWhatFindsAPeerThatIsGone) {
  const auto listener = open(kAnyPort);
  std::optional<Result> result;
  Connector connector(loop_, listener->local_address(),
                      ConnectOptions{.timeout = 60s, .unacknowledged_limit = 20s, .keepalive = 10s},
                      into(result));
  ASSERT_TRUE(until([&] { return result.has_value(); }));
  const int fd = descriptor_of((**result)->info());
  const auto option = [fd](int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    getsockopt(fd, level, name, &value, &length);
    return value;
  };
  EXPECT_EQ(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 20'000);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPIDLE), 10);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPINTVL), 10);
  EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST_F(ConnectorTest, DestroyedItSaysNothing) {
  const auto listener = open(kAnyPort);
  std::optional<Result> result;
  {
    Connector connector(loop_, listener->local_address(), 60s, into(result));
  }
  bool passed = false;
  ASSERT_TRUE(until([this] { return !accepted_.empty(); }));
  loop_.post([&passed] { passed = true; });
  ASSERT_TRUE(until([&passed] { return passed; }));
  EXPECT_FALSE(result);
}

TEST_F(ConnectorTest, TheHandlerMayDestroyIt) {
  const auto listener = open(kAnyPort);
  std::unique_ptr<Connector> connector;
  bool called = false;
  connector = std::make_unique<Connector>(loop_, listener->local_address(), 60s, [&](Result) {
    connector.reset();
    called = true;
  });
  EXPECT_TRUE(until([&called] { return called; }));
}

TEST_F(ListenerTest, WhoIsRefusedIsToldAndClosed) {
  const auto listener = open(kAnyPort);
  const auto peer = testing::connect_plain(listener->local_address());
  peer->send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(until([this] { return accepted_.size() == 1; }));
  accepted_[0].refuse("no\n");
  ASSERT_TRUE(until([&peer] {
    peer->drive();
    return peer->ended() || peer->was_reset();
  }));
  EXPECT_EQ(peer->received(), "no\n");
}

TEST_F(ListenerTest, WhatIsAttachedLivesAsLongAsTheTransport) {
  struct Counted final : Attachment {
    explicit Counted(int& count) : alive(count) { ++alive; }
    ~Counted() override { --alive; }
    int& alive;
  };
  int alive = 0;
  const auto listener = open(kAnyPort);
  const auto peer = testing::connect_plain(listener->local_address());
  ASSERT_TRUE(until([this] { return accepted_.size() == 1; }));
  accepted_[0].attach(std::make_unique<Counted>(alive));
  auto transport = make_tcp_transport(loop_, std::move(accepted_[0]));
  accepted_.clear();
  EXPECT_EQ(alive, 1);
  transport.reset();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace portico::net
