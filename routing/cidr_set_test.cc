#include "routing/cidr_set.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "routing/testing/naive_cidr.h"

namespace portico::routing {
namespace {

bool contains(const CidrSet& set, std::string_view ip) {
  std::array<std::uint8_t, 16> buffer;
  const auto bytes = parse_ip(ip, buffer);
  EXPECT_FALSE(bytes.empty()) << ip;
  return set.contains(bytes);
}

TEST(CidrSet, HoldsTheAddressesOfItsNetworks) {
  const auto set = *CidrSet::parse("10.0.0.0/8, 192.0.2.7,2001:db8::/33\n::1 198.51.100.130/25");
  for (const auto* ip : {"10.0.0.0", "10.255.255.255", "192.0.2.7", "2001:db8:7fff::1", "::1",
                         "198.51.100.128", "::ffff:10.1.2.3"}) {
    EXPECT_TRUE(contains(set, ip)) << ip;
  }
  for (const auto* ip : {"9.255.255.255", "11.0.0.0", "192.0.2.6", "192.0.2.8",
                         "2001:db8:8000::", "2001:db7:ffff::", "::2", "::", "198.51.100.127",
                         "::ffff:11.0.0.0", "::10.0.0.1"}) {
    EXPECT_FALSE(contains(set, ip)) << ip;
  }
}

TEST(CidrSet, HoldsNothingWhereNothingIsNamed) {
  EXPECT_TRUE(CidrSet().empty());
  EXPECT_TRUE(CidrSet::parse(" ,\n")->empty());
  EXPECT_FALSE(contains(CidrSet(), "127.0.0.1"));
  EXPECT_FALSE(contains(CidrSet(), "::1"));
}

TEST(CidrSet, OfOneFamilyHoldsNoneOfTheOther) {
  EXPECT_FALSE(contains(*CidrSet::parse("0.0.0.0/0"), "::1"));
  EXPECT_FALSE(contains(*CidrSet::parse("::/0"), "127.0.0.1"));
  EXPECT_TRUE(contains(CidrSet::everything(), "127.0.0.1"));
  EXPECT_TRUE(contains(CidrSet::everything(), "::1"));
}

TEST(CidrSet, TakesMappedNetworksForIpv4) {
  const auto set = *CidrSet::parse("::ffff:10.0.0.0/104");
  EXPECT_EQ(set, *CidrSet::parse("10.0.0.0/8"));
}

TEST(CidrSet, IsEqualWhereItHoldsTheSame) {
  EXPECT_EQ(*CidrSet::parse("10.0.0.0/9 10.128.0.0/9 10.1.2.3"), *CidrSet::parse("10.0.0.0/8"));
  EXPECT_EQ(*CidrSet::parse("::/1 8000::/1"), *CidrSet::parse("::/0"));
  EXPECT_NE(*CidrSet::parse("10.0.0.0/8"), *CidrSet::parse("10.0.0.0/9"));
}

TEST(CidrSet, NamesTheEntryThatIsNoNetwork) {
  for (const auto* entry :
       {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0", "example.com",
        "[::1]", "fe80::1%eth0", "::ffff:0.0.0.0/90", "10.0.0.0/08/1", "/8"}) {
    const auto set = CidrSet::parse(std::string("192.0.2.1,") + entry);
    ASSERT_FALSE(set.has_value()) << entry;
    EXPECT_EQ(set.error(), entry);
  }
}

TEST(CidrSet, HoldsWhatTheNaiveSetHolds) {
  std::mt19937 random(3);
  const auto below = [&](unsigned n) { return static_cast<std::uint8_t>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    std::vector<Cidr> networks;
    for (unsigned i = 1U + below(12); i > 0; --i) {
      Cidr network{.v6 = below(2) == 1};
      network.prefix_bits = below(network.v6 ? 129 : 33);
      for (std::size_t at = 0; at < (network.v6 ? 16 : 4); ++at) {
        network.ip[at] = static_cast<std::uint8_t>(below(3) - 1);  // 255, 0 or 1: near each other
      }
      networks.push_back(network);
    }
    const CidrSet set(networks);
    for (int probe = 0; probe < 100; ++probe) {
      std::array<std::uint8_t, 16> bytes{};
      for (auto& byte : bytes) {
        byte = static_cast<std::uint8_t>(below(3) - 1);
      }
      const auto ip = std::span<const std::uint8_t>(bytes).first(below(2) == 1 ? 16 : 4);
      const bool expected = std::ranges::any_of(
          networks, [&](const Cidr& network) { return testing::naive_contains(network, ip); });
      ASSERT_EQ(set.contains(ip), expected);
    }
  }
}

}  // namespace
}  // namespace portico::routing
