#include "proxy/server/route_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace portico::server {
namespace {

struct Block {
  char* bytes;
  std::size_t size;
};

constexpr std::size_t kAlignment = 64;

Block take(std::size_t size, char fill) {
  auto* bytes = static_cast<char*>(route_memory().allocate(size, kAlignment));
  std::memset(bytes, fill, size);
  return {bytes, size};
}

void give_back(const Block& block) {
  route_memory().deallocate(block.bytes, block.size, kAlignment);
}

TEST(RouteMemory, BlocksOfEverySizeAreAlignedAndApart) {
  std::vector<Block> blocks;
  for (std::size_t size = 1; size < 200'000; size += 1 + size / 7) {
    blocks.push_back(take(size, static_cast<char>(blocks.size())));
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks[i].bytes) % kAlignment, 0) << blocks[i].size;
    EXPECT_EQ(blocks[i].bytes[0], static_cast<char>(i));
    EXPECT_EQ(blocks[i].bytes[blocks[i].size - 1], static_cast<char>(i));
    give_back(blocks[i]);
  }
}

TEST(RouteMemory, ManyGenerationsOfAHostNeedNoMoreThanTwo) {
  std::vector<std::uintptr_t> places;
  Block current = take(1300, 'a');
  for (int generation = 0; generation < 10'000; ++generation) {
    const Block next = take(1300, 'b');
    give_back(current);
    current = next;
    const auto place = reinterpret_cast<std::uintptr_t>(next.bytes);
    if (std::ranges::find(places, place) == places.end()) {
      places.push_back(place);
    }
  }
  give_back(current);
  const bool is_heap = &route_memory() == std::pmr::new_delete_resource();  // may hold memory back
  EXPECT_TRUE(is_heap || places.size() <= 4) << places.size();
}

}  // namespace
}  // namespace portico::server
