#include "proxy/server/log_ring.h"

#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace portico::server {
namespace {

std::string read_all(LogRing& ring) {
  std::string all;
  for (auto bytes = ring.front(); !bytes.empty(); bytes = ring.front()) {
    all.append(bytes.data(), bytes.size());
    ring.consume(bytes.size());
  }
  return all;
}

TEST(LogRing, GivesBackWhatWasPushedInOrder) {
  LogRing ring;
  EXPECT_TRUE(ring.push("one\n"));
  EXPECT_TRUE(ring.push("two\n"));
  EXPECT_EQ(read_all(ring), "one\ntwo\n");
  EXPECT_TRUE(ring.front().empty());
}

TEST(LogRing, TakesALineWholeOrNotAtAll) {
  LogRing ring;
  EXPECT_TRUE(ring.push(std::string(LogRing::kCapacityBytes - 3, 'a')));
  EXPECT_FALSE(ring.push("four"));
  EXPECT_TRUE(ring.push("abc"));
  EXPECT_FALSE(ring.push("x"));
  EXPECT_EQ(read_all(ring).size(), LogRing::kCapacityBytes);
}

TEST(LogRing, KeepsALineThatWrapsAround) {
  LogRing ring;
  ASSERT_TRUE(ring.push(std::string(LogRing::kCapacityBytes - 2, 'a')));
  read_all(ring);
  ASSERT_TRUE(ring.push("wrapped\n"));
  EXPECT_EQ(ring.front().size(), 2U) << "as far as it is contiguous";
  EXPECT_EQ(read_all(ring), "wrapped\n");
}

TEST(LogRing, LosesNothingBetweenTwoThreads) {
  LogRing ring;
  constexpr int kLines = 200'000;
  std::thread pusher([&ring] {
    for (int i = 0; i < kLines; ++i) {
      while (!ring.push(std::to_string(i) + "\n")) {
        std::this_thread::yield();
      }
    }
  });
  std::string rest;
  int next = 0;
  while (next < kLines) {
    rest += read_all(ring);
    std::size_t begin = 0;
    for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
      ASSERT_EQ(rest.substr(begin, end - begin), std::to_string(next++));
      begin = end + 1;
    }
    rest.erase(0, begin);
  }
  pusher.join();
}

}  // namespace
}  // namespace portico::server
