#include "routing/hash_ring.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "routing/stable_hash.h"

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

std::vector<std::size_t> places_of_each(const HashRing& ring) {
  std::vector<std::size_t> places(ring.endpoints());
  for (std::size_t place = 0; place < HashRing::kPlaces; ++place) {
    ++places.at(ring.at(place));
  }
  return places;
}

// The share of places that belong to another name than before.
double moved(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  const HashRing old_ring(before);
  const HashRing new_ring(after);
  std::size_t different = 0;
  for (std::size_t place = 0; place < HashRing::kPlaces; ++place) {
    different += before[old_ring.at(place)] == after[new_ring.at(place)] ? 0 : 1;
  }
  return static_cast<double>(different) / HashRing::kPlaces;
}

TEST(HashRing, GivesEachEndpointTheSameShare) {
  for (const std::size_t count : {1U, 2U, 3U, 10U, 100U, 1000U}) {
    const auto places = places_of_each(HashRing(names(count)));
    const auto [least, most] = std::ranges::minmax(places);
    EXPECT_LE(most - least, 1U) << count << " endpoints";
  }
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

TEST(HashRing, OneOfAHundredThatLeavesMovesLittleMoreThanItsOwnKeys) {
  const auto all = names(100);
  for (const std::size_t lost : {0U, 17U, 50U, 99U}) {
    auto left = all;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(lost));
    const auto share = moved(all, left);
    EXPECT_GE(share, 0.0099) << lost;
    EXPECT_LE(share, 0.018) << lost;
  }
}

TEST(HashRing, OneThatComesMovesLittleMoreThanItsOwnKeys) {
  EXPECT_LE(moved(names(99), names(100)), 0.018);
  EXPECT_LE(moved(names(3), names(4)), 0.45);
}

TEST(HashRing, IsTheSameOnEveryReplica) {
  const HashRing ring(names(7));
  EXPECT_EQ(ring.at(stable_hash("alice")), HashRing(names(7)).at(stable_hash("alice")));
}

TEST(HashRing, TheNextOneIsAlwaysTheSame) {
  const HashRing ring(names(5));
  for (std::uint64_t hash = 0; hash < 1000; ++hash) {
    const auto own = ring.find(hash, kNone);
    EXPECT_EQ(own, ring.at(hash));
    const auto skips_own = [own](std::size_t i) { return i == own; };
    const auto next = ring.find(hash, skips_own);
    EXPECT_NE(next, own);
    EXPECT_EQ(next, ring.find(hash, skips_own));
  }
}

TEST(HashRing, FindsTheOnlyOneThatIsNotSkipped) {
  const HashRing ring(names(1000));
  for (const std::size_t only : {0U, 500U, 999U}) {
    EXPECT_EQ(ring.find(stable_hash("alice"), [only](std::size_t i) { return i != only; }), only);
  }
}

TEST(HashRing, SaysWhereAllAreSkipped) {
  const HashRing ring(names(3));
  EXPECT_EQ(ring.find(7, [](std::size_t) { return true; }), 3U);
  EXPECT_EQ(HashRing({}).find(7, kNone), 0U);
}

TEST(HashRing, SeveralAreDifferentAndBeginWithTheKeysOwn) {
  const HashRing ring(names(4));
  std::array<std::uint16_t, 3> three{};
  std::array<std::uint16_t, 9> more_than_there_are{};
  for (std::uint64_t hash = 0; hash < 1000; ++hash) {
    ASSERT_EQ(ring.find_several(hash, three), 3U);
    EXPECT_EQ(three[0], ring.at(hash));
    EXPECT_TRUE(three[0] != three[1] && three[1] != three[2] && three[0] != three[2]);
    EXPECT_EQ(ring.find_several(hash, more_than_there_are), 4U);
  }
}

}  // namespace
}  // namespace portico::routing
