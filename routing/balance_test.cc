#include "routing/balance.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

TEST(RoundRobin, GivesEachEndpointItsTurn) {
  RoundRobin turns;
  std::array<int, 3> picked{};
  for (int i = 0; i < 30; ++i) {
    ++picked.at(turns.pick(3));
  }
  EXPECT_EQ(picked, (std::array<int, 3>{10, 10, 10}));
}

TEST(RoundRobin, SeedsMoveTheFirstPick) {
  EXPECT_EQ(RoundRobin(0).pick(3), 0u);
  EXPECT_EQ(RoundRobin(1).pick(3), 1u);
  EXPECT_EQ(RoundRobin(2).pick(3), 2u);
  EXPECT_EQ(RoundRobin(3).pick(3), 0u);
}

TEST(RoundRobin, StaysInRangeWhenEndpointsLeave) {
  RoundRobin turns(4);
  EXPECT_EQ(turns.pick(5), 4u);
  EXPECT_EQ(turns.pick(2), 1u);
  EXPECT_EQ(turns.pick(1), 0u);
  EXPECT_EQ(turns.pick(2), 1u);
}

TEST(RoundRobin, StepsOverWhatWasTried) {
  RoundRobin turns;
  const std::vector<std::size_t> tried = {0, 1};
  EXPECT_EQ(turns.pick(4, tried), 2u);
  EXPECT_EQ(turns.pick(4, tried), 3u);
  EXPECT_EQ(turns.pick(4, tried), 2u);
}

TEST(RoundRobin, PicksAgainWhereAllWereTried) {
  RoundRobin turns;
  const std::vector<std::size_t> tried = {0, 1};
  EXPECT_EQ(turns.pick(2, tried), 0u);
  EXPECT_EQ(turns.pick(2, tried), 1u);
}

}  // namespace
}  // namespace portico::routing
