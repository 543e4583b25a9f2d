#include "proxy/exchange/try_tallies.h"

#include <gtest/gtest.h>

#include "routing/testing/count_allocations.h"

namespace portico::exchange {
namespace {

constexpr routing::BackendId kWeb{0};
constexpr routing::BackendId kShop{1};

TEST(TryTallies, GiveWhatWasCountedOnce) {
  TryTallies tallies;
  tallies.count(kWeb, EndpointId{7}, false);
  tallies.count(kWeb, EndpointId{7}, true);
  tallies.count(kShop, EndpointId{3}, false);
  const auto taken = tallies.take();
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].backend, kWeb);
  EXPECT_EQ(taken[0].endpoint, EndpointId{7});
  EXPECT_EQ(taken[0].tries, 2U);
  EXPECT_EQ(taken[0].failures, 1U);
  EXPECT_EQ(taken[1].backend, kShop);
  EXPECT_EQ(taken[1].failures, 0U);
  EXPECT_TRUE(tallies.take().empty());
}

TEST(TryTallies, DoNotMixWhatBackendsMakeOfOneEndpoint) {
  TryTallies tallies;
  tallies.count(kWeb, EndpointId{0}, false);
  tallies.count(kShop, EndpointId{0}, true);
  const auto taken = tallies.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].backend, kWeb);
  EXPECT_EQ(taken[0].tries, 1U);
  tallies.count(kShop, EndpointId{0}, true);
  EXPECT_EQ(tallies.take().at(0).backend, kShop);
}

TEST(TryTallies, ForgetAnEndpointThatIsNoMore) {
  TryTallies tallies;
  tallies.forget(EndpointId{0});
  tallies.count(kWeb, EndpointId{0}, true);
  tallies.forget(EndpointId{0});
  EXPECT_TRUE(tallies.take().empty());
  tallies.count(kWeb, EndpointId{0}, true);
  tallies.forget(EndpointId{0});
  tallies.count(kShop, EndpointId{0}, false);
  const auto taken = tallies.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].failures, 0U);
}

TEST(TryTallies, AllocateNothingForEndpointsThatWereMet) {
  TryTallies tallies;
  tallies.count(kWeb, EndpointId{99}, false);
  const auto before = tallies.take();
  EXPECT_EQ(routing::testing::count_allocations([&] {
              for (std::uint32_t id = 0; id < 100; ++id) {
                tallies.count(kWeb, EndpointId{id}, id % 2 == 0);
              }
            }),
            0U);
}

}  // namespace
}  // namespace portico::exchange
