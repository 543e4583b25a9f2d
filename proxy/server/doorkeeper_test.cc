#include "proxy/server/doorkeeper.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "proxy/exchange/testing/config.h"
#include "proxy/exchange/testing/fakes.h"

namespace portico::server {
namespace {

using Speaks = Doorkeeper::Speaks;

// One end of it is what the doorkeeper is shown.
class Visitor {
 public:
  explicit Visitor(std::string_view ip = "192.0.2.1") {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0);
    socket.emplace(ends_[0], *net::SocketAddress::from(ip, 40'000), net::SocketAddress());
  }
  ~Visitor() { ::close(ends_[1]); }

  // What it was told before it was closed.
  [[nodiscard]] std::string told() const {
    std::array<char, 1024> text;
    const auto size = ::recv(ends_[1], text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

  std::optional<net::AcceptedSocket> socket;

 private:
  std::array<int, 2> ends_{};
};

class DoorkeeperTest : public ::testing::Test, protected DoorkeeperOwner {
 protected:
  bool let_idle_go() override { return idle_-- > 0; }
  bool admit(Visitor& visitor, Speaks speaks = Speaks::kHttp) {
    return door_.admit(*visitor.socket, speaks);
  }

  exchange::testing::FakeWorker worker_{exchange::testing::ConfigBuilder().build()};
  ConnectionLimits limits_{{.total = 2, .per_client = 2}};
  Refusals refused_;
  Doorkeeper door_{limits_, worker_.context, refused_, *this};
  int idle_ = 0;
};

TEST_F(DoorkeeperTest, CountsWhoIsLetInUntilItsSocketIsClosed) {
  Visitor visitor;
  EXPECT_TRUE(admit(visitor));
  EXPECT_EQ(limits_.open(), 1U);
  visitor.socket.reset();
  EXPECT_EQ(limits_.open(), 0U);
}

TEST_F(DoorkeeperTest, TellsOneTooManyToComeBack) {
  Visitor first;
  Visitor second("192.0.2.2");
  Visitor third("192.0.2.3");
  EXPECT_TRUE(admit(first) && admit(second));
  EXPECT_FALSE(admit(third));
  const auto told = third.told();
  EXPECT_TRUE(told.starts_with("HTTP/1.1 503 "));
  EXPECT_NE(told.find("\r\nRetry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(refused_.too_many, 1U);
  EXPECT_EQ(limits_.open(), 2U);
}

TEST_F(DoorkeeperTest, SaysNothingToWhomExpectsTls) {
  Visitor first;
  Visitor second;
  Visitor third;
  EXPECT_TRUE(admit(first, Speaks::kTls) && admit(second, Speaks::kTls));
  EXPECT_FALSE(admit(third, Speaks::kTls));
  EXPECT_EQ(third.told(), "");
}

TEST_F(DoorkeeperTest, AnIdleConnectionMakesRoom) {
  Visitor first("192.0.2.1");
  Visitor second("192.0.2.2");
  Visitor third("192.0.2.3");
  Visitor fourth("192.0.2.4");
  EXPECT_TRUE(admit(first) && admit(second));
  idle_ = 1;
  EXPECT_TRUE(admit(third));
  EXPECT_FALSE(admit(fourth));
}

TEST_F(DoorkeeperTest, OneClientMayHaveSoMany) {
  ConnectionLimits limits({.per_client = 1});
  Doorkeeper door(limits, worker_.context, refused_, *this);
  Visitor first("2001:db8::1");
  Visitor second("2001:db8::2");
  Visitor other("2001:db8:0:1::1");
  EXPECT_TRUE(door.admit(*first.socket, Speaks::kHttp));
  EXPECT_FALSE(door.admit(*second.socket, Speaks::kHttp));
  EXPECT_TRUE(door.admit(*other.socket, Speaks::kHttp));
  EXPECT_EQ(refused_.too_many_of_client, 1U);
}

TEST_F(DoorkeeperTest, NobodyIsLetInWhereMemoryIsNearlyGone) {
  worker_.context.pressure = exchange::Pressure::kHigh;
  Visitor first;
  EXPECT_TRUE(admit(first));
  worker_.context.pressure = exchange::Pressure::kCritical;
  Visitor second;
  EXPECT_FALSE(admit(second));
  EXPECT_EQ(refused_.no_memory, 1U);
}

}  // namespace
}  // namespace portico::server
