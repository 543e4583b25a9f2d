#include "proxy/server/connection_limits.h"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace portico::server {
namespace {

net::SocketAddress from(std::string_view ip) {
  return *net::SocketAddress::from(ip, 40'000);
}

std::unique_ptr<ConnectionTicket> admitted(ConnectionLimits& limits, std::string_view ip) {
  auto ticket = std::make_unique<ConnectionTicket>(limits);
  return ticket->enter() && ticket->enter_for(from(ip)) ? std::move(ticket) : nullptr;
}

TEST(ConnectionLimits, TakeAsManyAsTheyMayAndOneMoreOnceOneHasGone) {
  ConnectionLimits limits({.total = 2});
  auto first = admitted(limits, "192.0.2.1");
  const auto second = admitted(limits, "192.0.2.2");
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(admitted(limits, "192.0.2.3"));
  EXPECT_EQ(limits.open(), 2U);
  first.reset();
  EXPECT_TRUE(admitted(limits, "192.0.2.3"));
}

TEST(ConnectionLimits, NoughtIsNoLimit) {
  ConnectionLimits limits({});
  std::vector<std::unique_ptr<ConnectionTicket>> tickets;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(tickets.emplace_back(admitted(limits, "192.0.2.1")));
  }
  EXPECT_EQ(limits.open(), 1000U);
  tickets.clear();
  EXPECT_EQ(limits.open(), 0U);
}

TEST(ConnectionLimits, OneClientsConnectionsLeaveTheOthersTheirs) {
  ConnectionLimits limits({.per_client = 2});
  const auto first = admitted(limits, "192.0.2.1");
  const auto second = admitted(limits, "192.0.2.1");
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(admitted(limits, "192.0.2.1"));
  EXPECT_TRUE(admitted(limits, "192.0.2.2"));
  EXPECT_EQ(limits.open(), 2U) << "who is refused is not counted in all either";
}

TEST(ConnectionLimits, AClientIsAnIpv4AddressOrAnIpv6Network) {
  const std::tuple<std::string_view, std::string_view, bool> rows[] = {
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},
      {"192.0.2.1", "::ffff:192.0.2.1", true},
      {"2001:db8::1", "2001:db8::2", true},
      {"2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", true},
      {"2001:db8::1", "2001:db8:0:1::1", false},
      {"0.0.0.1", "::1:0:0:0:0", false},
  };
  for (const auto& [a, b, same] : rows) {
    EXPECT_EQ(client_key(from(a)) == client_key(from(b)), same) << a << " " << b;
  }
}

TEST(ConnectionLimits, WorkersCountTogether) {
  ConnectionLimits limits({.total = 100, .per_client = 60});
  std::atomic<int> let_in = 0;
  {
    std::vector<std::jthread> workers;
    std::vector<std::vector<std::unique_ptr<ConnectionTicket>>> tickets(4);
    for (auto& mine : tickets) {
      workers.emplace_back([&limits, &let_in, &mine] {
        for (int i = 0; i < 200; ++i) {
          if (auto ticket = admitted(limits, i % 2 == 0 ? "192.0.2.1" : "192.0.2.2")) {
            mine.push_back(std::move(ticket));
            ++let_in;
          }
        }
      });
    }
    workers.clear();
    EXPECT_LE(limits.open(), 100U);
    EXPECT_EQ(static_cast<std::uint64_t>(let_in), limits.open());
  }
  EXPECT_EQ(limits.open(), 0U);
}

}  // namespace
}  // namespace portico::server
