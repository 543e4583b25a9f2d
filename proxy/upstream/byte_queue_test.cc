#include "proxy/upstream/byte_queue.h"

#include <string>

#include <gtest/gtest.h>

namespace portico::upstream {
namespace {

std::string take(ByteQueue& queue, std::size_t size) {
  const auto front = queue.front(size);
  const std::string taken(front.data(), front.size());
  queue.take(front.size());
  return taken;
}

TEST(ByteQueue, GivesWhatCameFirst) {
  ByteQueue queue;
  EXPECT_TRUE(queue.empty());
  queue.append({"abcdef", 6});
  EXPECT_EQ(queue.size(), 6U);
  EXPECT_EQ(take(queue, 2), "ab");
  queue.append({"ghi", 3});
  EXPECT_EQ(take(queue, 5), "cdefg");
  EXPECT_EQ(take(queue, 99), "hi");
  EXPECT_TRUE(queue.empty());
  queue.append({"j", 1});
  EXPECT_EQ(take(queue, 1), "j");
}

// A transfer that is never wholly caught up with must not be kept wholly.
TEST(ByteQueue, HoldsAboutWhatWaitsThoughItIsNeverEmpty) {
  constexpr std::size_t kPiece = 16'384;
  constexpr std::size_t kWaiting = 8 * kPiece;
  ByteQueue queue;
  queue.append(std::string(kWaiting, 'x'));
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(take(queue, kPiece).size(), kPiece);
    queue.append(std::string(kPiece, 'x'));
  }
  EXPECT_EQ(queue.size(), kWaiting);
  EXPECT_LE(queue.capacity(), 4 * kWaiting);
}

TEST(ByteQueue, ForgetsWhatWaitsAndItsMemory) {
  ByteQueue queue;
  queue.append(std::string(1'000'000, 'x'));
  queue.take(10);
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_LE(queue.capacity(), 16'384U);
}

}  // namespace
}  // namespace portico::upstream
