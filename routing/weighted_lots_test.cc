#include "routing/weighted_lots.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

constexpr auto kNone = [](std::size_t) { return false; };
constexpr auto kWhole = [](std::size_t) { return kWholePart; };
constexpr int kDrawn = 100'000;

using Weights = std::vector<std::uint32_t>;

// Endpoints of these weights, drawn from again and again.
struct Urn {
  explicit Urn(Weights of) : weights(std::move(of)), table(weights) {}

  [[nodiscard]] auto weight_at() const {
    return [this](std::size_t index) { return weights[index]; };
  }

  template <class PartAt, class Skips>
  std::size_t pick(PartAt part_at, Skips skips) {
    return pick_by_weight(weights.size(), table, lots, weight_at(), part_at, skips);
  }
  template <class Skips>
  std::array<std::size_t, 2> pick_two(Skips skips) {
    return pick_two_by_weight(weights.size(), table, lots, weight_at(), kWhole, skips);
  }
  Weights weights;
  WeightTable table;
  Lots lots{1};
};

template <class Pick>
std::vector<double> shares(std::size_t count, Pick pick) {
  std::vector<double> drawn(count);
  for (int i = 0; i < kDrawn; ++i) {
    drawn.at(pick()) += 1.0 / kDrawn;
  }
  return drawn;
}

TEST(WeightTable, DrawsEachByItsWeight) {
  for (std::size_t count = 2; count < 40; ++count) {
    Weights weights(count);
    std::iota(weights.begin(), weights.end(), 1U);
    const WeightTable table(weights);
    const auto total = std::accumulate(weights.begin(), weights.end(), 0.0);
    Lots lots(count);
    const auto drawn = shares(count, [&] { return table.draw(count, lots); });
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(drawn[i], weights[i] / total, 0.01) << count;
    }
  }
}

TEST(WeightTable, OneMayWeighNearlyAll) {
  Weights weights(1'000, 1);
  weights[500] = 1'000;
  const WeightTable table(weights);
  Lots lots(2);
  const auto drawn = shares(1'000, [&] { return table.draw(1'000, lots); });
  EXPECT_NEAR(drawn[500], 1'000 / 1'999.0, 0.01);
  EXPECT_EQ(std::ranges::count(drawn, 0.0), 0);
}

TEST(WeightTable, EqualWeightsAreEven) {
  EXPECT_TRUE(WeightTable().is_even());
  EXPECT_TRUE(WeightTable(Weights()).is_even());
  EXPECT_TRUE(WeightTable(Weights{7, 7, 7}).is_even());
  EXPECT_FALSE(WeightTable(Weights{7, 7, 8}).is_even());
}

TEST(PickByWeight, EvenOnesAreAlike) {
  Urn urn({3, 3, 3, 3});
  for (const auto share : shares(4, [&] { return urn.pick(kWhole, kNone); })) {
    EXPECT_NEAR(share, 0.25, 0.01);
  }
}

TEST(PickByWeight, TheOthersShareByWeightWhatIsSkipped) {
  Urn urn({3, 1, 2, 4});
  const auto skips = [](std::size_t index) { return index == 0; };
  const auto drawn = shares(4, [&] { return urn.pick(kWhole, skips); });
  EXPECT_EQ(drawn[0], 0);
  EXPECT_NEAR(drawn[1], 1.0 / 7, 0.01);
  EXPECT_NEAR(drawn[3], 4.0 / 7, 0.01);
}

TEST(PickByWeight, ANewOneGetsThePartThatCounts) {
  const auto part_at = [](std::size_t index) { return index == 1 ? 250U : kWholePart; };
  Urn even({5, 5, 5});
  EXPECT_NEAR(shares(3, [&] { return even.pick(part_at, kNone); })[1], 0.25 / 2.25, 0.01);
  Urn uneven({1, 8, 1});
  EXPECT_NEAR(shares(3, [&] { return uneven.pick(part_at, kNone); })[1], 0.5, 0.01);
}

TEST(PickByWeight, LookingAtEveryOneComesToTheSame) {
  Urn urn({3, 1, 2, 4});
  const auto part_at = [](std::size_t index) { return index == 3 ? 500U : kWholePart; };
  const auto skips = [](std::size_t index) { return index == 1; };
  const auto drawn = shares(
      4, [&] { return pick_by_weight_exactly(4, urn.lots, urn.weight_at(), part_at, skips); });
  EXPECT_NEAR(drawn[0], 3.0 / 7, 0.01);
  EXPECT_EQ(drawn[1], 0);
  EXPECT_NEAR(drawn[3], 2.0 / 7, 0.01);
}

// As an endpoint's does that another thread finds to be new, or out, between two looks at it.
TEST(PickByWeight, SharesThatShrinkMeanwhileLeaveNobodyOut) {
  constexpr std::size_t kCount = 3;
  Urn urn({1, 1, 1});
  for (int i = 0; i < 1'000; ++i) {
    std::size_t looks = 0;
    const auto part_at = [&](std::size_t) { return looks++ < kCount ? kWholePart : kLeastPart; };
    EXPECT_LT(pick_by_weight_exactly(kCount, urn.lots, urn.weight_at(), part_at, kNone), kCount);
    bool is_seen = false;
    const auto skips = [&](std::size_t index) {
      return index == 2 && std::exchange(is_seen, true);
    };
    EXPECT_LT(pick_by_weight_exactly(kCount, urn.lots, urn.weight_at(), kWhole, skips), 2U);
  }
}

TEST(PickByWeight, FindsALightOneWhereTheHeavyOneIsOut) {
  Urn urn({1'000'000, 1, 1});
  const auto skips = [](std::size_t index) { return index == 0; };
  EXPECT_NEAR(shares(3, [&] { return urn.pick(kWhole, skips); })[1], 0.5, 0.01);
}

TEST(PickByWeight, SaysWhereAllAreSkipped) {
  const auto all = [](std::size_t) { return true; };
  EXPECT_EQ(Urn({1, 2, 3}).pick(kWhole, all), 3U);
  EXPECT_EQ(Urn({1, 1, 1}).pick(kWhole, all), 3U);
}

TEST(PickTwoByWeight, TheFirstIsByWeightAndTheSecondIsAnother) {
  Urn urn({3, 1, 2});
  const auto drawn = shares(3, [&] {
    const auto [one, other] = urn.pick_two(kNone);
    EXPECT_NE(one, other);
    return one;
  });
  EXPECT_NEAR(drawn[0], 3.0 / 6, 0.01);
  EXPECT_NEAR(drawn[1], 1.0 / 6, 0.01);
}

TEST(PickTwoByWeight, AreTheSameWhereOnlyOneIsLeft) {
  using Pair = std::array<std::size_t, 2>;
  Urn urn({3, 1, 2});
  EXPECT_EQ(urn.pick_two([](std::size_t index) { return index != 2; }), (Pair{2, 2}));
  EXPECT_EQ(urn.pick_two([](std::size_t) { return true; }), (Pair{3, 3}));
  EXPECT_EQ(Urn({7}).pick_two(kNone), (Pair{0, 0}));
}

}  // namespace
}  // namespace portico::routing
