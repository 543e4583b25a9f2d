#include "proxy/server/backend_affinity.h"

#include <gtest/gtest.h>

#include "proxy/server/backend_hashing.h"

namespace portico::server {
namespace {

using exchange::Backend;
using routing::AffinitySpec;

Backend backend(const std::string& key, const std::vector<std::uint16_t>& ports,
                const std::optional<AffinitySpec>& affinity) {
  auto spec = std::make_shared<routing::BackendSpec>();
  spec->key = key;
  spec->balance =
      std::make_shared<const routing::BalanceSpec>(routing::BalanceSpec{.affinity = affinity});
  Backend backend{.spec = std::move(spec)};
  for (const auto port : ports) {
    backend.endpoints.push_back({.address = *net::SocketAddress::from("10.0.0.1", port)});
  }
  compile_hashing(backend, nullptr);
  compile_affinity(backend);
  return backend;
}

TEST(BackendAffinity, IsThereWhereItIsAskedForAndAnEndpointIs) {
  EXPECT_EQ(backend("a/b:80", {80}, std::nullopt).affinity, nullptr);
  EXPECT_EQ(backend("a/b:80", {}, AffinitySpec()).affinity, nullptr);
  EXPECT_EQ(backend("a/b:80", {80, 81}, AffinitySpec()).affinity->endpoints(), 2U);
}

TEST(BackendAffinity, APersistentOneNeedsNoRing) {
  const auto persistent = backend("a/b:80", {80, 81}, AffinitySpec{.persistent = true});
  EXPECT_EQ(persistent.affinity->endpoints(), 2U);
  EXPECT_EQ(persistent.ring, nullptr);
  EXPECT_EQ(persistent.affinity->find("not one of its keys"), std::nullopt);
}

TEST(BackendAffinity, APersistentOneDrawsByTheRingWhereWeightsDiffer) {
  auto weighted = backend("a/b:80", {80, 81}, AffinitySpec{.persistent = true});
  weighted.endpoints[1].weight = 999;
  compile_hashing(weighted, nullptr);
  compile_affinity(weighted);
  ASSERT_NE(weighted.ring, nullptr);
  routing::Lots lots(1);
  int heavy = 0;
  for (int i = 0; i < 100; ++i) {
    heavy += weighted.affinity->draw(lots, [](std::size_t) { return false; }).endpoint == 1 ? 1 : 0;
  }
  EXPECT_GE(heavy, 95);
}

TEST(BackendAffinity, CookiesOutliveAnotherWayToTalkToTheSamePort) {
  const auto plain = backend("a/b:80", {80}, AffinitySpec());
  const auto other_way = backend("a/b:80#https;max-age=5", {80}, AffinitySpec());
  const auto other_port = backend("a/b:81", {80}, AffinitySpec());
  EXPECT_EQ(plain.affinity->backend(), other_way.affinity->backend());
  EXPECT_NE(plain.affinity->backend(), other_port.affinity->backend());
}

}  // namespace
}  // namespace portico::server
