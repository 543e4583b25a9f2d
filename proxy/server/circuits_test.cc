#include "proxy/server/circuits.h"

#include <memory>

#include <gtest/gtest.h>

namespace portico::server {
namespace {

using routing::BackendId;
using routing::CircuitSpec;

routing::BackendSpec backend(const CircuitSpec& circuit) {
  routing::BackendSpec spec;
  spec.balance =
      std::make_shared<const routing::BalanceSpec>(routing::BalanceSpec{.circuit = circuit});
  return spec;
}

TEST(Circuits, ABackendWithoutLimitsHasNone) {
  Circuits circuits;
  EXPECT_EQ(circuits.set(BackendId{0}, {}, {}), nullptr);
  EXPECT_EQ(circuits.set(BackendId{0}, backend({.max_requests = 0}), {.max_requests = 3}), nullptr);
}

TEST(Circuits, ABackendsLimitsComeBeforeThoseOfAll) {
  Circuits circuits;
  const auto* of_all = circuits.set(BackendId{0}, {}, {.max_requests = 3});
  ASSERT_NE(of_all, nullptr);
  EXPECT_EQ(of_all->requests.limit(), 3U);
  const auto* own = circuits.set(BackendId{1}, backend({.max_requests = 5}), {.max_requests = 3});
  EXPECT_EQ(own->requests.limit(), 5U);
}

TEST(Circuits, ABackendKeepsItsOwn) {
  Circuits circuits;
  auto* const first = circuits.set(BackendId{0}, {}, {.max_requests = 3});
  ASSERT_TRUE(first->requests.enter());
  EXPECT_EQ(circuits.set(BackendId{0}, {}, {}), nullptr);
  EXPECT_TRUE(first->requests.enter()) << "a limit that is no more";
  EXPECT_EQ(circuits.set(BackendId{0}, {}, {.max_requests = 2}), first);
  EXPECT_FALSE(first->requests.enter());
}

TEST(Circuits, OneIsUsedAgainOnceNothingIsCountedInIt) {
  Circuits circuits;
  auto* const first = circuits.set(BackendId{0}, {}, {.max_requests = 1});
  ASSERT_TRUE(first->requests.enter());
  circuits.erase(BackendId{0});
  auto* const second = circuits.set(BackendId{0}, {}, {.max_requests = 1});
  EXPECT_NE(second, first);
  circuits.erase(BackendId{0});
  first->requests.leave();
  EXPECT_EQ(circuits.set(BackendId{0}, {}, {.max_requests = 1}), first);
  EXPECT_EQ(circuits.set(BackendId{1}, {}, {.max_requests = 1}), second);
}

TEST(Circuits, OneThatIsUsedAgainKnowsNothingOfItsLastBackendsLatency) {
  using exchange::AdaptiveLimit;
  const CircuitSpec adaptive{.adaptive = true};
  Circuits circuits;
  auto* const circuit = circuits.set(BackendId{0}, {}, adaptive);
  const auto first = circuit->requests.limit();
  auto now = AdaptiveLimit::Clock::now();
  while (circuit->requests.enter()) {
  }
  for (int i = 0; i < 50; ++i) {
    now += std::chrono::milliseconds(10);
    circuit->latency.answered(std::chrono::milliseconds(20), now);
  }
  ASSERT_NE(circuit->requests.limit(), first);
  while (circuit->requests.inside() > 0) {
    circuit->requests.leave();
  }
  circuits.erase(BackendId{0});
  ASSERT_EQ(circuits.set(BackendId{1}, {}, adaptive), circuit);
  EXPECT_EQ(circuit->requests.limit(), first);
}

}  // namespace
}  // namespace portico::server
