#include "routing/balance.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

constexpr auto kNone = [](std::size_t) { return false; };

// Endpoints by their numbers for life, which may come and go.
struct Turns {
  std::vector<std::uint32_t> names;
  RoundRobin turns;

  explicit Turns(std::vector<std::uint32_t> of, std::uint32_t seed = 0)
      : names(std::move(of)), turns(seed) {}
  std::uint32_t next(const std::vector<std::size_t>& skipped = {}) {
    const auto index = turns.pick(
        names.size(), [this](std::size_t i) { return names[i]; },
        [&](std::size_t i) { return std::ranges::find(skipped, i) != skipped.end(); });
    return index == names.size() ? 0 : names[index];
  }
};

TEST(RoundRobin, GivesEachEndpointItsTurn) {
  Turns turns({10, 20, 30});
  std::map<std::uint32_t, int> picked;
  for (int i = 0; i < 30; ++i) {
    ++picked[turns.next()];
  }
  EXPECT_EQ(picked, (std::map<std::uint32_t, int>{{10, 10}, {20, 10}, {30, 10}}));
}

TEST(RoundRobin, SeedsMoveTheFirstPick) {
  EXPECT_EQ(Turns({10, 20, 30}, 0).next(), 10U);
  EXPECT_EQ(Turns({10, 20, 30}, 0x55555556).next(), 20U);
  EXPECT_EQ(Turns({10, 20, 30}, 0xffffffff).next(), 30U);
}

// As the workers' seeds are: a step that 3 divides must not make 3 endpoints one.
TEST(RoundRobin, SeedsByTheGoldenRatioSpreadOverAnyNumberOfEndpoints) {
  for (std::uint32_t count = 2; count <= 16; ++count) {
    std::vector<std::uint32_t> names(count);
    std::iota(names.begin(), names.end(), 100U);
    std::map<std::uint32_t, int> first;
    for (std::uint32_t worker = 0; worker < 2 * count; ++worker) {
      ++first[Turns(names, worker * 0x9e3779b9).next()];
    }
    for (const auto& [name, workers] : first) {
      EXPECT_LE(workers, 4) << count << " endpoints";
    }
    EXPECT_GT(first.size(), count / 2) << count << " endpoints";
  }
}

TEST(RoundRobin, GoesOnBehindTheLastOneWhereOthersCome) {
  Turns turns({10, 30});
  EXPECT_EQ(turns.next(), 10U);
  turns.names = {5, 7, 10, 20, 30};
  EXPECT_EQ(turns.next(), 20U);
  EXPECT_EQ(turns.next(), 30U);
  EXPECT_EQ(turns.next(), 5U);
}

TEST(RoundRobin, GoesOnBehindTheLastOneWhereOthersGo) {
  Turns turns({10, 20, 30, 40});
  turns.next();
  turns.next();
  EXPECT_EQ(turns.next(), 30U);
  turns.names = {20, 30, 40};
  EXPECT_EQ(turns.next(), 40U);
}

TEST(RoundRobin, WhoFollowsTheOneThatIsGoneIsNext) {
  Turns turns({10, 20, 30});
  turns.next();
  EXPECT_EQ(turns.next(), 20U);
  turns.names = {10, 30};
  EXPECT_EQ(turns.next(), 30U);
  EXPECT_EQ(turns.next(), 10U);
  turns.next();
  turns.names = {10};
  EXPECT_EQ(turns.next(), 10U);
}

TEST(RoundRobin, StepsOverWhatIsSkipped) {
  Turns turns({10, 20, 30, 40});
  EXPECT_EQ(turns.next({0, 1}), 30U);
  EXPECT_EQ(turns.next({0, 1}), 40U);
  EXPECT_EQ(turns.next({0, 1}), 30U);
}

TEST(RoundRobin, SaysWhereAllAreSkipped) {
  Turns turns({10, 20});
  EXPECT_EQ(turns.next({0, 1}), 0U);
  EXPECT_EQ(turns.next(), 10U);
}

TEST(Lots, StayBelowTheirNumberAndReachAll) {
  Lots lots(1);
  std::array<int, 5> drawn{};
  for (int i = 0; i < 50'000; ++i) {
    ++drawn.at(lots.below(5));
  }
  for (const auto count : drawn) {
    EXPECT_NEAR(count, 10'000, 500);
  }
}

TEST(PickRandom, SpreadsOverThoseThatAreNotSkipped) {
  Lots lots(2);
  std::array<int, 4> picked{};
  for (int i = 0; i < 30'000; ++i) {
    ++picked.at(pick_random(4, lots, [](std::size_t index) { return index == 1; }));
  }
  EXPECT_EQ(picked[1], 0);
  for (const auto index : {0U, 2U, 3U}) {
    EXPECT_NEAR(picked.at(index), 10'000, 500);
  }
}

TEST(PickRandom, FindsTheOnlyOneThatIsLeft) {
  Lots lots(3);
  EXPECT_EQ(pick_random(1000, lots, [](std::size_t index) { return index != 777; }), 777U);
  EXPECT_EQ(pick_random(3, lots, [](std::size_t) { return true; }), 3U);
}

TEST(PickTwo, AreDifferentAndAnyPairIsAsLikely) {
  Lots lots(4);
  std::map<std::array<std::size_t, 2>, int> pairs;
  for (int i = 0; i < 60'000; ++i) {
    ++pairs[pick_two(3, lots, kNone)];
  }
  EXPECT_EQ(pairs.size(), 6U);
  for (const auto& [pair, count] : pairs) {
    EXPECT_NE(pair[0], pair[1]);
    EXPECT_NEAR(count, 10'000, 500);
  }
}

TEST(PickTwo, AreTheSameWhereOnlyOneIsLeft) {
  Lots lots(5);
  using Pair = std::array<std::size_t, 2>;
  EXPECT_EQ(pick_two(1, lots, kNone), (Pair{0, 0}));
  EXPECT_EQ(pick_two(3, lots, [](std::size_t index) { return index != 2; }), (Pair{2, 2}));
  EXPECT_EQ(pick_two(3, lots, [](std::size_t) { return true; }), (Pair{3, 3}));
}

}  // namespace
}  // namespace portico::routing
