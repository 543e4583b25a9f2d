#include "routing/edf.h"

#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "routing/balance.h"
#include "routing/testing/count_allocations.h"

namespace portico::routing {
namespace {

using Skipped = std::set<std::uint32_t>;

struct Endpoint {
  std::uint32_t name;
  std::uint32_t share;
};

// Endpoints by their numbers for life, which may come and go.
struct Turns {
  explicit Turns(std::vector<Endpoint> of, std::uint32_t seed = 0)
      : endpoints(std::move(of)), turns(seed) {}

  static Turns weighing(const std::vector<std::uint32_t>& weights, std::uint32_t seed = 0) {
    std::vector<Endpoint> all;
    for (const auto weight : weights) {
      all.push_back({.name = static_cast<std::uint32_t>(10 * (all.size() + 1)),
                     .share = weight * kWholePart});
    }
    return Turns(std::move(all), seed);
  }
  // 0: all are skipped.
  std::uint32_t next(const Skipped& skipped = {}) {
    const auto index = turns.pick(
        endpoints.data(), endpoints.size(), [this](std::size_t i) { return endpoints[i].name; },
        [this](std::size_t i) { return endpoints[i].share; },
        [&](std::size_t i) { return skipped.contains(endpoints[i].name); });
    return index == endpoints.size() ? 0 : endpoints[index].name;
  }
  std::vector<std::uint32_t> next_ones(std::size_t count, const Skipped& skipped = {}) {
    std::vector<std::uint32_t> picked(count);
    std::ranges::generate(picked, [&] { return next(skipped); });
    return picked;
  }

  std::vector<Endpoint> endpoints;
  WeightedTurns turns;
};

std::map<std::uint32_t, int> counted(std::span<const std::uint32_t> picked) {
  std::map<std::uint32_t, int> counts;
  for (const auto name : picked) {
    ++counts[name];
  }
  return counts;
}

// How far any two are apart at most, in parts of what the header allows them.
double worst_unfairness(std::span<const std::uint32_t> picked,
                        const std::vector<Endpoint>& endpoints) {
  auto counts = counted(picked);
  double worst = 0;
  for (const auto& a : endpoints) {
    for (const auto& b : endpoints) {
      const double apart = std::abs(static_cast<double>(counts[a.name]) / a.share -
                                    static_cast<double>(counts[b.name]) / b.share);
      worst = std::max(worst, apart / (1.0 / a.share + 1.0 / b.share));
    }
  }
  return worst;
}

// Of windows of all lengths, from anywhere.
double worst_of_windows(const std::vector<std::uint32_t>& picked,
                        const std::vector<Endpoint>& endpoints, Lots& lots) {
  double worst = 0;
  for (int window = 0; window < 300; ++window) {
    const auto from = lots.below(picked.size());
    const auto length = 1 + lots.below(picked.size() - from);
    worst = std::max(worst, worst_unfairness(std::span(picked).subspan(from, length), endpoints));
  }
  return worst;
}

constexpr double kFair = 1 + 1e-6;

std::vector<std::uint32_t> random_weights(std::size_t count, std::uint32_t most, Lots& lots) {
  std::vector<std::uint32_t> weights(count);
  std::ranges::generate(weights, [&] { return 1 + static_cast<std::uint32_t>(lots.below(most)); });
  return weights;
}

TEST(WeightedTurns, AnyFourPicksOfThreeToOneAreThreeAndOne) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    auto turns = Turns::weighing({3, 1}, seed * 0x12345678);
    const auto picked = turns.next_ones(400);
    for (std::size_t from = 0; from + 4 <= picked.size(); ++from) {
      EXPECT_EQ(counted(std::span(picked).subspan(from, 4)),
                (std::map<std::uint32_t, int>{{10, 3}, {20, 1}}));
    }
  }
}

TEST(WeightedTurns, EqualWeightsTakeTurns) {
  auto turns = Turns::weighing({7, 7, 7, 7, 7});
  const auto picked = turns.next_ones(500);
  for (std::size_t i = 5; i < picked.size(); ++i) {
    EXPECT_EQ(picked[i], picked[i - 5]);
  }
  EXPECT_EQ(counted(std::span(picked).first(5)).size(), 5U);
}

TEST(WeightedTurns, NoWindowIsUnfairToAnybody) {
  Lots lots(1);
  for (int round = 0; round < 40; ++round) {
    auto turns =
        Turns::weighing(random_weights(2 + lots.below(20), round % 2 == 0 ? 5 : 1'000, lots),
                        static_cast<std::uint32_t>(lots.next()));
    const auto picked = turns.next_ones(3'000);
    EXPECT_LE(worst_of_windows(picked, turns.endpoints, lots), kFair);
  }
}

TEST(WeightedTurns, AThousandGetTheirSharesToOnePick) {
  Lots lots(2);
  auto turns = Turns::weighing(random_weights(1'000, 10, lots));
  const auto total = std::accumulate(
      turns.endpoints.begin(), turns.endpoints.end(), std::uint64_t{0},
      [](auto sum, const Endpoint& endpoint) { return sum + endpoint.share / kWholePart; });
  auto counts = counted(turns.next_ones(10 * total));
  for (const auto& endpoint : turns.endpoints) {
    EXPECT_NEAR(counts[endpoint.name], 10.0 * endpoint.share / kWholePart, 1);
  }
}

TEST(WeightedTurns, TheLightOnesDoNotComeAllAtOnce) {
  std::vector<std::uint32_t> weights(101, 1);
  weights[0] = 100;
  auto turns = Turns::weighing(weights);
  const auto picked = turns.next_ones(2'000);
  int light = 0;
  int most = 0;
  for (const auto name : picked) {
    light = name == 10 ? 0 : light + 1;
    most = std::max(most, light);
  }
  EXPECT_LE(most, 4);
}

TEST(WeightedTurns, SeedsMoveTheFirstPick) {
  std::set<std::uint32_t> first;
  for (std::uint32_t worker = 0; worker < 16; ++worker) {
    first.insert(Turns::weighing({2, 1, 2, 1, 2, 1}, worker * 0x9e3779b9).next());
  }
  EXPECT_GE(first.size(), 4U);
}

TEST(WeightedTurns, TheOthersShareWhatASkippedOneLosesByTheirWeights) {
  Lots lots(3);
  auto turns = Turns::weighing({50, 3, 1, 2});
  turns.next_ones(17);
  const auto picked = turns.next_ones(1'200, {10});
  EXPECT_LE(worst_of_windows(picked, {turns.endpoints.begin() + 1, turns.endpoints.end()}, lots),
            kFair);
  EXPECT_FALSE(counted(picked).contains(10));
}

TEST(WeightedTurns, WhoWasSkippedHasNoTurnsInHand) {
  Lots lots(4);
  for (int round = 0; round < 50; ++round) {
    auto turns = Turns::weighing({5, 3, 1, 2}, static_cast<std::uint32_t>(lots.next()));
    turns.next_ones(lots.below(100), {10});
    EXPECT_LE(worst_of_windows(turns.next_ones(500), turns.endpoints, lots), kFair);
  }
}

TEST(WeightedTurns, SaysWhereAllAreSkippedAndNobodyLosesATurn) {
  auto turns = Turns::weighing({3, 1, 2, 5});
  auto same = Turns::weighing({3, 1, 2, 5});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(turns.next({10, 20, 30, 40}), 0U);
    EXPECT_EQ(turns.next(), same.next());
  }
  EXPECT_EQ(Turns({}).next(), 0U);
}

TEST(WeightedTurns, WhoStaysKeepsItsPlaceAndWhoComesGetsNoBurst) {
  Lots lots(5);
  for (int round = 0; round < 50; ++round) {
    auto turns = Turns::weighing({2, 3, 4}, static_cast<std::uint32_t>(lots.next()));
    const auto staying = turns.endpoints;
    auto picked = turns.next_ones(lots.below(50));
    turns.endpoints.insert(turns.endpoints.begin() + 1, {.name = 15, .share = 7 * kWholePart});
    const auto after = turns.next_ones(300);
    EXPECT_LE(worst_of_windows(after, turns.endpoints, lots), kFair);
    picked.insert(picked.end(), after.begin(), after.end());
    EXPECT_LE(worst_of_windows(picked, staying, lots), kFair);
  }
}

TEST(WeightedTurns, WhoGoesLeavesTheOthersTheirPlaces) {
  Lots lots(6);
  auto turns = Turns::weighing({2, 3, 4, 9});
  auto picked = turns.next_ones(31);
  turns.endpoints.pop_back();
  const auto after = turns.next_ones(300);
  EXPECT_FALSE(counted(after).contains(40));
  picked.insert(picked.end(), after.begin(), after.end());
  EXPECT_LE(worst_of_windows(picked, turns.endpoints, lots), kFair);
}

TEST(WeightedTurns, AnotherListAtTheSameAddressIsNoticed) {
  Lots lots(8);
  auto turns = Turns::weighing({1'000, 1, 1});
  const auto all = turns.endpoints;
  auto picked = turns.next_ones(1'500);
  std::swap(turns.endpoints[0], turns.endpoints[1]);
  const auto after = turns.next_ones(1'500);
  picked.insert(picked.end(), after.begin(), after.end());
  EXPECT_LE(worst_of_windows(picked, all, lots), kFair);
}

TEST(WeightedTurns, AWeightIsAskedAnewForEachTurn) {
  auto turns = Turns::weighing({1, 1});
  turns.next_ones(10);
  turns.endpoints[1].share = kWholePart / 10;
  turns.next_ones(2);
  EXPECT_NEAR(counted(turns.next_ones(110))[20], 10, 1);
  turns.endpoints[1].share = 10 * kWholePart;
  turns.next_ones(11);
  EXPECT_NEAR(counted(turns.next_ones(110))[10], 10, 1);
}

// Endpoints come, go, are skipped and weighed anew in any order; those that nothing happens to get
// what they are due all the same.
TEST(WeightedTurns, WhateverHappensToOthersIsNothingToTheRest) {
  Lots lots(7);
  for (int round = 0; round < 20; ++round) {
    auto turns = Turns::weighing({3, 1, 20}, static_cast<std::uint32_t>(lots.next()));
    const auto rest = turns.endpoints;
    std::uint32_t next_name = 1'000;
    std::vector<std::uint32_t> picked;
    for (int step = 0; step < 2'000; ++step) {
      if (lots.below(50) == 0) {
        turns.endpoints.push_back(
            {.name = next_name++, .share = static_cast<std::uint32_t>(100 + lots.below(9'000))});
      }
      if (turns.endpoints.size() > rest.size() && lots.below(50) == 0) {
        turns.endpoints.pop_back();
      }
      Skipped skipped;
      for (auto i = rest.size(); i < turns.endpoints.size(); ++i) {
        turns.endpoints[i].share += lots.below(20) == 0 ? 100 : 0;
        if (lots.below(3) == 0) {
          skipped.insert(turns.endpoints[i].name);
        }
      }
      picked.push_back(turns.next(skipped));
      ASSERT_NE(picked.back(), 0U);
      ASSERT_FALSE(skipped.contains(picked.back()));
    }
    EXPECT_LE(worst_of_windows(picked, rest, lots), kFair);
  }
}

TEST(WeightedTurns, AllocatesOnlyForAListThatIsNew) {
  auto turns = Turns::weighing({3, 1, 2, 4});
  turns.next();
  const Skipped skipped{30};
  EXPECT_EQ(testing::count_allocations([&] {
              for (int i = 0; i < 100; ++i) {
                turns.next(skipped);
              }
            }),
            0U);
}

TEST(PartAtAge, GrowsEvenlyFromATenthToTheWhole) {
  using std::chrono::milliseconds;
  constexpr milliseconds kTen{10'000};
  EXPECT_EQ(part_at_age(milliseconds(-5), kTen), 100U);
  EXPECT_EQ(part_at_age(milliseconds(0), kTen), 100U);
  EXPECT_EQ(part_at_age(milliseconds(2'500), kTen), 250U);
  EXPECT_EQ(part_at_age(milliseconds(9'999), kTen), 999U);
  EXPECT_EQ(part_at_age(kTen, kTen), 1'000U);
  EXPECT_EQ(part_at_age(milliseconds(0), milliseconds(0)), 1'000U);
}

}  // namespace
}  // namespace portico::routing
