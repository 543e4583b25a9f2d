#include "routing/hash_ring.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "routing/balance.h"
#include "routing/stable_hash.h"
#include "routing/testing/count_allocations.h"

namespace portico::routing {
namespace {

constexpr auto kNone = [](std::size_t) { return false; };

std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":8080");
  }
  return all;
}

// A hash of each slot.
std::uint64_t hash_in(std::size_t slot) {
  return std::uint64_t{slot} << (64 - HashRing::kSlotBits);
}

// Of this many, some below and some above what needs a table.
constexpr std::array<std::size_t, 5> kCounts{2, 3, 10, HashRing::kFew, HashRing::kFew + 1};

// Of all slots every fifth is looked at, where all would take long.
constexpr std::size_t kStride = 5;

std::vector<std::uint32_t> weights_of(std::size_t count, std::uint64_t seed) {
  Lots lots(seed);
  std::vector<std::uint32_t> weights(count);
  std::ranges::generate(weights, [&] { return static_cast<std::uint32_t>(1 + lots.below(9)); });
  return weights;
}

std::vector<std::size_t> slots_of_each(const HashRing& ring) {
  std::vector<std::size_t> slots(ring.endpoints());
  for (std::size_t slot = 0; slot < HashRing::kSlots; ++slot) {
    ++slots.at(ring.at(hash_in(slot)));
  }
  return slots;
}

// By how much the share that is furthest from its mean is off.
double worst(const HashRing& ring) {
  const auto mean = static_cast<double>(HashRing::kSlots) / static_cast<double>(ring.endpoints());
  const auto slots = slots_of_each(ring);
  const auto [least, most] = std::ranges::minmax(slots);
  return std::max(static_cast<double>(most) / mean - 1, 1 - static_cast<double>(least) / mean);
}

// How many slots have gone from one name to another, neither of which is in `changed`.
std::size_t moved_needlessly(const HashRing& before, const std::vector<std::string>& names_before,
                             const HashRing& after, const std::vector<std::string>& names_after,
                             const std::set<std::string>& changed) {
  std::size_t needless = 0;
  for (std::size_t slot = 0; slot < HashRing::kSlots; slot += kStride) {
    const auto& from = names_before[before.at(hash_in(slot))];
    const auto& to = names_after[after.at(hash_in(slot))];
    needless += from != to && !changed.contains(from) && !changed.contains(to) ? 1 : 0;
  }
  return needless;
}

TEST(HashRing, SharesAreEvenButForChance) {
  EXPECT_LE(worst(HashRing(names(2))), 0.01);
  EXPECT_LE(worst(HashRing(names(3))), 0.01);
  EXPECT_LE(worst(HashRing(names(10))), 0.03);
  EXPECT_LE(worst(HashRing(names(100))), 0.08);
  EXPECT_LE(worst(HashRing(names(200))), 0.12);
}

TEST(HashRing, EachEndpointIsAsLikelyAsAnother) {
  for (const auto count : {3U, 10U, 100U}) {
    const auto mean = static_cast<double>(HashRing::kSlots) / count;
    double chi_square = 0;
    for (const auto slots : slots_of_each(HashRing(names(count)))) {
      chi_square += std::pow(static_cast<double>(slots) - mean, 2) / mean;
    }
    EXPECT_LE(chi_square, count - 1 + 4 * std::sqrt(2.0 * (count - 1))) << count;
  }
}

TEST(HashRing, SharesAreAsTheWeights) {
  const std::vector<std::uint32_t> weights{1, 2, 7, 90};
  const auto slots = slots_of_each(HashRing(names(4), weights));
  for (std::size_t i = 0; i < 4; ++i) {
    const auto wanted = static_cast<double>(HashRing::kSlots) * weights[i] / 100;
    EXPECT_NEAR(static_cast<double>(slots[i]), wanted, 5 * std::sqrt(wanted)) << i;
  }
}

TEST(HashRing, EqualWeightsAreNone) {
  const std::vector<std::uint32_t> sevens(5, 7);
  EXPECT_EQ(slots_of_each(HashRing(names(5), sevens)), slots_of_each(HashRing(names(5))));
}

TEST(HashRing, SpreadsKeysEvenly) {
  const HashRing ring(names(10));
  std::array<int, 10> keys{};
  for (int i = 0; i < 100'000; ++i) {
    ++keys.at(ring.at(stable_hash("user-" + std::to_string(i))));
  }
  for (const auto count : keys) {
    EXPECT_NEAR(count, 10'000, 500);
  }
}

TEST(HashRing, OneThatLeavesMovesItsOwnKeysOnly) {
  for (const auto count : kCounts) {
    const auto all = names(count);
    const HashRing before(all);
    for (const auto lost : {std::size_t{0}, count / 2, count - 1}) {
      auto left = all;
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(lost));
      const HashRing after(left, {}, &before);
      EXPECT_EQ(moved_needlessly(before, all, after, left, {all[lost]}), 0U)
          << lost << " of " << count;
    }
  }
}

TEST(HashRing, OneThatComesMovesOnlyWhatItGets) {
  for (const auto count : kCounts) {
    const auto before = names(count);
    const auto after = names(count + 1);
    const HashRing ring(before);
    const HashRing larger(after, {}, &ring);
    EXPECT_EQ(moved_needlessly(ring, before, larger, after, {after.back()}), 0U) << count;
    const auto share = static_cast<double>(HashRing::kSlots) / static_cast<double>(count + 1);
    EXPECT_NEAR(static_cast<double>(slots_of_each(larger).back()), share, share / 10) << count;
  }
}

TEST(HashRing, AnotherWeightMovesOnlyWhatItGetsOrLoses) {
  const auto all = names(60);
  auto weights = weights_of(60, 1);
  const HashRing before(all, weights);
  weights[17] = 20;
  const HashRing after(all, weights);
  EXPECT_EQ(moved_needlessly(before, all, after, all, {all[17]}), 0U);
  EXPECT_GT(slots_of_each(after)[17], slots_of_each(before)[17]);
}

// Whether the table says what is computed, which knows of no history.
bool tells_the_truth(const HashRing& ring) {
  std::array<std::uint16_t, 1> best{};
  for (std::size_t slot = 0; slot < HashRing::kSlots; slot += 23) {
    if (ring.find_several(hash_in(slot), best) != 1 || best[0] != ring.at(hash_in(slot))) {
      return false;
    }
  }
  return true;
}

// By lot: some go, some come, some weigh otherwise, and their order changes.
TEST(HashRing, HistoryDoesNotMatter) {
  Lots lots(7);
  for (const bool weigh : {false, true}) {
    auto now = names(90);
    auto ring = std::make_unique<HashRing>(now);
    ASSERT_TRUE(ring->has_table());
    ASSERT_TRUE(tells_the_truth(*ring));
    for (std::uint64_t step = 2; step < 10; ++step) {
      for (auto gone = lots.below(step % 5 == 0 ? 60 : 4); gone > 0; --gone) {
        now.erase(now.begin() + static_cast<std::ptrdiff_t>(lots.below(now.size())));
      }
      for (auto come = lots.below(step % 4 == 0 ? 60 : 4); come > 0; --come) {
        now.insert(now.begin() + static_cast<std::ptrdiff_t>(lots.below(now.size())),
                   "10.9.0.1:" + std::to_string(lots.next()));
      }
      const auto weights = weigh && step % 6 != 0 ? weights_of(now.size(), step / 3)
                                                  : std::vector<std::uint32_t>(now.size(), 4);
      auto next = std::make_unique<HashRing>(now, weights, ring.get());
      ASSERT_TRUE(tells_the_truth(*next)) << step << " with " << now.size();
      ring = std::move(next);
    }
  }
}

// Making one of a thousand endpoints costs no more than its memory.
TEST(HashRing, ATableLearnsWhatItIsAsked) {
  const auto all = names(1'000);
  const HashRing ring(all);
  EXPECT_EQ(ring.known_slots(), 0U);
  for (std::size_t slot = 0; slot < 100; ++slot) {
    EXPECT_EQ(ring.at(hash_in(slot)), ring.at(hash_in(slot)));
  }
  EXPECT_EQ(ring.known_slots(), 100U);
  const HashRing after(std::span(all).first(999), {}, &ring);
  EXPECT_GE(after.known_slots(), 90U) << "but for the slots of the one that is gone";
  EXPECT_LE(after.known_slots(), 100U);
}

TEST(HashRing, ManyNewcomersAreLearnedAsTheyAreAskedFor) {
  const auto all = names(1'000);
  const auto known_with = [&](std::size_t newcomers) {
    const HashRing ring(std::span(all).first(all.size() - newcomers));
    for (std::size_t slot = 0; slot < 100; ++slot) {
      static_cast<void>(ring.at(hash_in(slot)));
    }
    return HashRing(all, {}, &ring).known_slots();
  };
  EXPECT_EQ(known_with(HashRing::kMostNewcomers), 100U);
  EXPECT_EQ(known_with(HashRing::kMostNewcomers + 1), 0U);
}

TEST(HashRing, ThreadsLearnTheSame) {
  const HashRing ring(names(60));
  std::array<std::vector<std::size_t>, 2> found;
  {
    std::array<std::jthread, 2> threads;
    for (std::size_t i = 0; i < 2; ++i) {
      threads[i] = std::jthread([&ring, &mine = found[i]] { mine = slots_of_each(ring); });
    }
  }
  EXPECT_EQ(found[0], found[1]);
  EXPECT_EQ(ring.known_slots(), HashRing::kSlots);
}

TEST(HashRing, FewEndpointsNeedNoTable) {
  EXPECT_FALSE(HashRing(names(HashRing::kFew)).has_table());
  EXPECT_TRUE(HashRing(names(HashRing::kFew + 1)).has_table());
  EXPECT_FALSE(HashRing(names(4), weights_of(4, 1)).has_table());
  EXPECT_TRUE(HashRing(names(5), weights_of(5, 1)).has_table());
}

TEST(HashRing, TheOrderOfEndpointsDoesNotMatter) {
  for (const std::size_t count : {7U, 60U}) {
    auto all = names(count);
    const HashRing ring(all);
    auto reversed = all;
    std::ranges::reverse(reversed);
    const HashRing other(reversed);
    for (std::uint64_t key = 0; key < 1'000; ++key) {
      EXPECT_EQ(all[ring.at(mix_bits(key))], reversed[other.at(mix_bits(key))]);
    }
  }
}

TEST(HashRing, TheNextOneIsAlwaysTheSame) {
  for (const auto count : kCounts) {
    const HashRing ring(names(count), weights_of(count, count % 2));
    std::array<std::uint16_t, 2> two{};
    for (std::uint64_t key = 0; key < 1'000; ++key) {
      const auto hash = mix_bits(key);
      const auto own = ring.find(hash, kNone);
      EXPECT_EQ(own, ring.at(hash));
      const auto next = ring.find(hash, [own](std::size_t i) { return i == own; });
      ASSERT_EQ(ring.find_several(hash, two), 2U);
      EXPECT_EQ(own, two[0]);
      EXPECT_EQ(next, two[1]);
    }
  }
}

// As if the skipped one had gone.
TEST(HashRing, KeysOfOneThatIsSkippedAreSpreadOverTheOthers) {
  const HashRing ring(names(5));
  std::array<int, 5> stand_ins{};
  for (std::uint64_t key = 0; key < 50'000; ++key) {
    if (ring.at(mix_bits(key)) == 2) {
      ++stand_ins.at(ring.find(mix_bits(key), [](std::size_t i) { return i == 2; }));
    }
  }
  EXPECT_EQ(stand_ins[2], 0);
  for (const std::size_t other : {0U, 1U, 3U, 4U}) {
    EXPECT_NEAR(stand_ins.at(other), 2'500, 300);
  }
}

TEST(HashRing, FindsTheOnlyOneThatIsNotSkipped) {
  for (const std::size_t count : {30U, 1'000U}) {
    const HashRing ring(names(count));
    for (const auto only : {std::size_t{0}, count / 2, count - 1}) {
      EXPECT_EQ(ring.find(stable_hash("alice"), [only](std::size_t i) { return i != only; }), only);
    }
  }
}

TEST(HashRing, SaysWhereAllAreSkipped) {
  for (const std::size_t count : {3U, 100U}) {
    std::size_t asked = 0;
    const auto found = HashRing(names(count)).find(7, [&](std::size_t) {
      ++asked;
      return true;
    });
    EXPECT_EQ(found, count);
    EXPECT_LE(asked, count + 1);
  }
  EXPECT_EQ(HashRing({}).find(7, kNone), 0U);
}

TEST(HashRing, SeveralAreDifferentAndStayWhileOthersGo) {
  for (const std::size_t count : {10U, 100U}) {
    const auto all = names(count);
    const HashRing ring(all);
    auto left = all;
    left.erase(left.begin() + 4);
    const HashRing without(left, {}, &ring);
    std::array<std::uint16_t, 5> five{};
    for (std::uint64_t key = 0; key < 1'000; ++key) {
      std::set<std::string> before;
      std::set<std::string> after;
      ASSERT_EQ(ring.find_several(mix_bits(key), five), 5U);
      EXPECT_EQ(five[0], ring.at(mix_bits(key)));
      std::ranges::for_each(five, [&](auto i) { before.insert(all[i]); });
      ASSERT_EQ(without.find_several(mix_bits(key), five), 5U);
      std::ranges::for_each(five, [&](auto i) { after.insert(left[i]); });
      ASSERT_EQ(before.size(), 5U);
      ASSERT_EQ(after.size(), 5U);
      before.erase(all[4]);
      EXPECT_TRUE(std::ranges::includes(after, before));
    }
  }
}

TEST(HashRing, SeveralAreAsManyAsThereAre) {
  std::array<std::uint16_t, 9> nine{};
  std::array<std::uint16_t, 100> a_hundred{};
  EXPECT_EQ(HashRing(names(4)).find_several(1, nine), 4U);
  EXPECT_EQ(HashRing({}).find_several(1, nine), 0U);
  ASSERT_EQ(HashRing(names(200)).find_several(1, a_hundred), HashRing::kMostSeveral);
  EXPECT_EQ(std::set(a_hundred.begin(), a_hundred.begin() + HashRing::kMostSeveral).size(),
            HashRing::kMostSeveral);
}

TEST(HashRing, ChoosingAllocatesNothing) {
  std::array<std::uint16_t, 64> several{};
  for (const std::size_t count : {3U, 100U}) {
    const HashRing ring(names(count), weights_of(count, 1));
    EXPECT_EQ(testing::count_allocations([&] {
                (void)ring.find(7, [](std::size_t i) { return i % 2 == 0; });
                (void)ring.find_several(7, several);
              }),
              0U);
  }
}

}  // namespace
}  // namespace portico::routing
