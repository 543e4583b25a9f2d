#include "proxy/server/backend_hashing.h"

#include <numeric>

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

TEST(BackendHashing, AnotherWeightMakesAnotherRing) {
  auto first = backend({80, 81}, routing::BalanceSpec{.hash_by = "$host"});
  compile_hashing(first, nullptr);
  auto heavier = backend({80, 81}, routing::BalanceSpec{.hash_by = "$host"});
  heavier.endpoints[1].weight = 100;
  compile_hashing(heavier, &first);
  ASSERT_NE(heavier.ring, first.ring);
  int moved = 0;
  for (std::uint64_t slot = 0; slot < 1'000; ++slot) {
    const auto hash = slot << (64 - routing::HashRing::kSlotBits);
    moved += first.ring->at(hash) == 0 && heavier.ring->at(hash) == 1 ? 1 : 0;
    EXPECT_FALSE(first.ring->at(hash) == 1 && heavier.ring->at(hash) == 0);
  }
  EXPECT_GT(moved, 400);
}

TEST(BackendHashing, ALargeRingIsMadeOverFromTheOneBefore) {
  std::vector<std::uint16_t> ports(60);
  std::iota(ports.begin(), ports.end(), std::uint16_t{8000});
  auto first = backend(ports, routing::BalanceSpec{.hash_by = "$host"});
  compile_hashing(first, nullptr);
  ports.erase(ports.begin() + 30);
  auto second = backend(ports, routing::BalanceSpec{.hash_by = "$host"});
  compile_hashing(second, &first);
  auto anew = backend(ports, routing::BalanceSpec{.hash_by = "$host"});
  compile_hashing(anew, nullptr);
  for (std::uint64_t slot = 0; slot < routing::HashRing::kSlots; slot += 11) {
    const auto hash = slot << (64 - routing::HashRing::kSlotBits);
    ASSERT_EQ(second.ring->at(hash), anew.ring->at(hash));
  }
}

}  // namespace
}  // namespace portico::server
