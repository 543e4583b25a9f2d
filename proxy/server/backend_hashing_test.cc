#include "proxy/server/backend_hashing.h"

#include <gtest/gtest.h>

namespace portico::server {
namespace {

using exchange::Backend;

Backend backend(const std::vector<std::uint16_t>& ports,
                const std::optional<routing::BalanceSpec>& balance) {
  auto spec = std::make_shared<routing::BackendSpec>();
  if (balance) {
    spec->balance = std::make_shared<const routing::BalanceSpec>(*balance);
  }
  Backend backend{.spec = std::move(spec)};
  for (const auto port : ports) {
    backend.endpoints.push_back({.address = *net::SocketAddress::from("10.0.0.1", port)});
  }
  return backend;
}

TEST(BackendHashing, CostsNothingWhereNobodyAsksForIt) {
  auto plain = backend({80}, std::nullopt);
  compile_hashing(plain, nullptr);
  auto by_strategy = backend({80}, routing::BalanceSpec{.strategy = routing::Strategy::kEwma});
  compile_hashing(by_strategy, nullptr);
  EXPECT_EQ(plain.ring, nullptr);
  EXPECT_EQ(by_strategy.ring, nullptr);
}

TEST(BackendHashing, ARingIsMadeForHashingAndForAffinity) {
  auto hashed = backend({80, 81}, routing::BalanceSpec{.hash_by = "$host"});
  compile_hashing(hashed, nullptr);
  auto sticky = backend({80, 81}, routing::BalanceSpec{.affinity = routing::AffinitySpec()});
  compile_hashing(sticky, nullptr);
  ASSERT_NE(hashed.ring, nullptr);
  EXPECT_EQ(hashed.ring->endpoints(), 2U);
  EXPECT_EQ(hashed.hash_key.pieces().size(), 1U);
  EXPECT_NE(sticky.ring, nullptr);
  EXPECT_TRUE(sticky.hash_key.pieces().empty());
}

TEST(BackendHashing, NoRingWithoutEndpoints) {
  auto empty = backend({}, routing::BalanceSpec{.hash_by = "$host"});
  compile_hashing(empty, nullptr);
  EXPECT_EQ(empty.ring, nullptr);
}

TEST(BackendHashing, TheRingIsSharedWhileTheEndpointsAreTheSame) {
  auto first = backend({80, 81}, routing::BalanceSpec{.hash_by = "$host"});
  compile_hashing(first, nullptr);
  auto same = backend({80, 81}, routing::BalanceSpec{.hash_by = "$uri"});
  compile_hashing(same, &first);
  EXPECT_EQ(same.ring, first.ring);
  auto other = backend({80, 82}, routing::BalanceSpec{.hash_by = "$uri"});
  compile_hashing(other, &same);
  EXPECT_NE(other.ring, first.ring);
}

}  // namespace
}  // namespace portico::server
