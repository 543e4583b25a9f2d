#include "routing/stable_hash.h"

#include <bit>
#include <string>

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

// Replicas of different versions must agree: these numbers never change.
TEST(StableHash, IsTheSameForEver) {
  EXPECT_EQ(stable_hash(""), 0xefd01f60ba992926U);
  EXPECT_EQ(stable_hash("a"), 0x82a2a958a9bece5bU);
  EXPECT_EQ(stable_hash("10.0.0.1:8080"), 0xe8c721156ed52b14U);
}

TEST(StableHash, PiecesMakeTheTextTheyMakeTogether) {
  EXPECT_EQ(StableHash().add("10.0.").add("").add("0.1:80").value(), stable_hash("10.0.0.1:80"));
}

TEST(StableHash, NeighboursDifferInHalfOfTheirBits) {
  int changed = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto one = stable_hash("user-" + std::to_string(i));
    changed += std::popcount(one ^ stable_hash("user-" + std::to_string(i + 1)));
  }
  EXPECT_NEAR(changed / 1000.0, 32, 1);
}

}  // namespace
}  // namespace portico::routing
