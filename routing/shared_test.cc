// SharedMap and SharedVector: the same promises, by key and by index.
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "routing/shared_map.h"
#include "routing/shared_vector.h"

namespace portico::routing {
namespace {

std::shared_ptr<const int> number(int value) {
  return std::make_shared<const int>(value);
}

std::string key(int i) {
  return "key-" + std::to_string(i);
}

TEST(SharedMap, FindsWhatWasSet) {
  SharedMap<int> map;
  for (int i = 0; i < 5'000; ++i) {
    map.set(key(i), number(i));
  }
  map.set(key(7), number(70));
  map.erase(key(8));
  map.erase("absent");
  EXPECT_EQ(map.size(), 4'999u);
  EXPECT_EQ(*map.find(key(7)), 70);
  EXPECT_EQ(map.find(key(8)), nullptr);
  EXPECT_EQ(*map.find(key(4'999)), 4'999);
}

TEST(SharedMap, AChangeLeavesOtherVersionsAlone) {
  SharedMap<int> before;
  before.set("a", number(1));
  auto after = before;
  after.set("a", number(2));
  after.set("b", number(3));
  EXPECT_EQ(*before.find("a"), 1);
  EXPECT_EQ(before.find("b"), nullptr);
  EXPECT_EQ(*after.find("a"), 2);
}

TEST(SharedMap, VersionsShareShards) {
  SharedMap<int> before;
  for (int i = 0; i < 20'000; ++i) {
    before.set(key(i), number(i));
  }
  auto after = before;
  after.set(key(5), number(-5));
  int moved = 0;
  for (int i = 0; i < 20'000; ++i) {
    moved += before.find_shared(key(i)) != after.find_shared(key(i)) ? 1 : 0;
  }
  // One of 1,024 shards was copied: some twenty entries.
  EXPECT_GE(moved, 1);
  EXPECT_LT(moved, 200);
}

TEST(SharedMap, DiffNamesWhatDiffers) {
  SharedMap<int> before;
  for (int i = 0; i < 1'000; ++i) {
    before.set(key(i), number(i));
  }
  auto after = before;
  after.set(key(1), number(-1));
  after.erase(key(2));
  after.set("new", number(3));
  std::set<std::string> seen;
  SharedMap<int>::diff(
      before, after,
      [&seen](const std::string& name, const auto* old_value, const auto* new_value) {
        seen.insert(name + (old_value == nullptr   ? " added"
                            : new_value == nullptr ? " gone"
                                                   : " changed"));
      });
  EXPECT_EQ(seen, (std::set<std::string>{"key-1 changed", "key-2 gone", "new added"}));
}

TEST(SharedVector, FindsWhatWasSet) {
  SharedVector<int> vector;
  vector.set(0, number(1));
  vector.set(200, number(2));
  vector.set(200, number(3));
  EXPECT_EQ(vector.size(), 2u);
  EXPECT_EQ(*vector.find(0), 1);
  EXPECT_EQ(*vector.find(200), 3);
  EXPECT_EQ(vector.find(1), nullptr);
  EXPECT_EQ(vector.find(100), nullptr);
  EXPECT_EQ(vector.find(1'000'000), nullptr);
}

TEST(SharedVector, ErasesWhatIsThere) {
  SharedVector<int> vector;
  vector.set(3, number(1));
  vector.erase(3);
  vector.erase(3);
  vector.erase(999);
  EXPECT_EQ(vector.size(), 0u);
  EXPECT_EQ(vector.find(3), nullptr);
}

TEST(SharedVector, AChangeLeavesOtherVersionsAlone) {
  SharedVector<int> before;
  before.set(1, number(1));
  auto after = before;
  after.set(1, number(2));
  after.set(2, number(3));
  EXPECT_EQ(*before.find(1), 1);
  EXPECT_EQ(before.find(2), nullptr);
  EXPECT_EQ(before.size(), 1u);
  EXPECT_EQ(*after.find(1), 2);
  EXPECT_EQ(after.size(), 2u);
}

TEST(SharedVector, VersionsShareChunks) {
  SharedVector<int> before;
  for (int i = 0; i < 640; ++i) {
    before.set(i, number(i));
  }
  auto after = before;
  after.set(70, number(-1));
  for (int i = 0; i < 640; ++i) {
    const bool copied = i / 64 == 1;
    EXPECT_EQ(before.find_shared(i) != after.find_shared(i), copied) << i;
  }
}

TEST(SharedVector, VisitsByIndex) {
  SharedVector<int> vector;
  vector.set(130, number(2));
  vector.set(5, number(1));
  std::vector<std::pair<std::size_t, int>> seen;
  vector.for_each(
      [&seen](std::size_t index, const auto& value) { seen.emplace_back(index, *value); });
  EXPECT_EQ(seen, (std::vector<std::pair<std::size_t, int>>{{5, 1}, {130, 2}}));
}

TEST(SharedVector, DiffNamesWhatDiffers) {
  SharedVector<int> before;
  for (int i = 0; i < 300; ++i) {
    before.set(i, number(i));
  }
  auto after = before;
  after.set(1, number(-1));
  after.erase(299);
  after.set(1'000, number(3));
  std::vector<std::string> seen;
  SharedVector<int>::diff(
      before, after, [&seen](std::size_t index, const auto* old_value, const auto* new_value) {
        seen.push_back(std::to_string(index) + (old_value == nullptr   ? " added"
                                                : new_value == nullptr ? " gone"
                                                                       : " changed"));
      });
  EXPECT_EQ(seen, (std::vector<std::string>{"1 changed", "299 gone", "1000 added"}));
}

}  // namespace
}  // namespace portico::routing
