#include "proxy/checks/health_checks.h"

#include <chrono>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "proxy/net/socket_address.h"

namespace portico::checks {
namespace {

using exchange::EndpointId;
using routing::HealthCheckSpec;

// A port where nothing listens, and nobody else does as long as this is there.
class Nowhere {
 public:
  Nowhere() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const raw = reinterpret_cast<sockaddr*>(&where);
    socklen_t size = sizeof where;
    EXPECT_EQ(::bind(socket_, raw, size), 0);
    EXPECT_EQ(::getsockname(socket_, raw, &size), 0);
    address_ = *net::SocketAddress::from("127.0.0.1", ntohs(where.sin_port));
  }
  ~Nowhere() { ::close(socket_); }
  Nowhere(const Nowhere&) = delete;
  Nowhere& operator=(const Nowhere&) = delete;
  [[nodiscard]] const net::SocketAddress& address() const { return address_; }

 private:
  const int socket_;
  net::SocketAddress address_;
};

struct HealthChecksTest : ::testing::Test {
  void backend(std::size_t id, bool is_checked) {
    auto spec = std::make_shared<routing::BackendSpec>();
    spec->service = "web";
    if (is_checked) {
      spec->balance = std::make_shared<const routing::BalanceSpec>(routing::BalanceSpec{
          .health_check = HealthCheckSpec{.kind = HealthCheckSpec::Kind::kTcp,
                                          .interval = std::chrono::milliseconds(100),
                                          .unhealthy_after = 1}});
    }
    auto made = std::make_shared<exchange::Backend>();
    made->spec = std::move(spec);
    made->endpoints.push_back(
        {.id = EndpointId{0}, .address = nowhere.address(), .health = &health});
    config.backends.set(id, std::move(made));
  }
  // The thread is another one: its work is waited for.
  template <class Done>
  static bool eventually(Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done() && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    return done();
  }

  const Nowhere nowhere;
  exchange::Options options;
  exchange::EndpointHealthTable table;
  exchange::EndpointHealth& health = *table.take(EndpointId{0});
  exchange::Config config;
  HealthChecks checks{options};
};

TEST_F(HealthChecksTest, FollowsWhatEachConfigAsksFor) {
  backend(0, false);
  checks.follow(config);
  EXPECT_TRUE(checks.book().counts().empty());
  backend(0, true);
  checks.follow(config);
  EXPECT_TRUE(eventually([&] { return health.is_ill(); }));
  EXPECT_EQ(checks.book().reason(health), "the endpoint refused the connection");
  backend(0, false);
  checks.follow(config);
  EXPECT_TRUE(eventually([&] { return !health.is_ill() && checks.book().counts().empty(); }));
}

TEST_F(HealthChecksTest, ABackendThatIsGoneIsNotChecked) {
  backend(5, true);
  checks.follow(config);
  EXPECT_TRUE(eventually([&] { return health.is_ill(); }));
  config.backends.erase(5);
  checks.follow(config);
  EXPECT_TRUE(eventually([&] { return !health.is_ill(); }));
}

TEST_F(HealthChecksTest, EndsInTheMiddleOfItsWork) {
  backend(0, true);
  checks.follow(config);
}

}  // namespace
}  // namespace portico::checks
