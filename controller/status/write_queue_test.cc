#include "controller/status/write_queue.h"

#include <algorithm>
#include <map>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace portico::status {
namespace {

using namespace std::chrono_literals;
using Time = WriteQueue::Time;
using std::chrono::milliseconds;

constexpr Time kStart = Time{} + 1000h;

TEST(WriteQueue, GivesAKeyOnceHoweverOftenItWasAdded) {
  WriteQueue queue;
  queue.add("a", kStart);
  queue.add("a", kStart);
  EXPECT_EQ(queue.take(kStart), "a");
  EXPECT_EQ(queue.take(kStart), std::nullopt);
}

TEST(WriteQueue, GivesAKeyAgainThatWasAddedInFlight) {
  WriteQueue queue;
  queue.add("a", kStart);
  queue.take(kStart);
  queue.add("a", kStart);
  EXPECT_EQ(queue.take(kStart), std::nullopt);
  queue.written("a", kStart);
  EXPECT_EQ(queue.take(kStart), std::nullopt);
  EXPECT_EQ(queue.take(kStart + 1s), "a");
}

TEST(WriteQueue, BoundsWhatIsInFlight) {
  WriteQueue queue({.in_flight = 2});
  for (const auto* key : {"a", "b", "c"}) {
    queue.add(key, kStart);
  }
  EXPECT_TRUE(queue.take(kStart));
  EXPECT_TRUE(queue.take(kStart));
  EXPECT_FALSE(queue.take(kStart));
  EXPECT_EQ(queue.next(kStart), std::nullopt);
  queue.dropped("a", kStart);
  EXPECT_EQ(queue.take(kStart), "c");
}

TEST(WriteQueue, WaitsLongerWithEachFailure) {
  WriteQueue queue;
  auto now = kStart;
  queue.add("a", now);
  for (const auto wait : {1s, 2s, 4s, 8s}) {
    ASSERT_EQ(queue.take(now), "a");
    queue.failed("a", now);
    EXPECT_EQ(queue.take(now + wait - 1ms), std::nullopt);
    now += wait;
  }
}

TEST(WriteQueue, WaitsAsLongAsTheServerAsks) {
  WriteQueue queue;
  queue.add("a", kStart);
  queue.take(kStart);
  queue.failed("a", kStart, 30s);
  EXPECT_EQ(queue.next(kStart), kStart + 30s);
}

TEST(WriteQueue, AddingDoesNotShortenAWait) {
  WriteQueue queue;
  queue.add("a", kStart);
  queue.take(kStart);
  queue.failed("a", kStart, 30s);
  queue.add("a", kStart + 1s);
  EXPECT_EQ(queue.take(kStart + 29s), std::nullopt);
}

TEST(WriteQueue, PausesWhereEverythingFails) {
  WriteQueue queue({.in_flight = 4});
  for (int i = 0; i < 100; ++i) {
    queue.add(fmt::format("{:02}", i), kStart);
  }
  int tries = 0;
  auto now = kStart;
  for (; now < kStart + 10s; now += 10ms) {
    while (const auto key = queue.take(now)) {
      ++tries;
      queue.failed(*key, now);
    }
  }
  EXPECT_LE(tries, 30);
}

// Two controllers that write the same object, each at once after the other.
TEST(WriteQueue, SlowsDownWhereSomebodyElseWritesToo) {
  WriteQueue queue;
  int writes = 0;
  for (auto now = kStart; now < kStart + 1h; now += 100ms) {
    queue.add("a", now);
    if (const auto key = queue.take(now)) {
      ++writes;
      queue.written(*key, now);
    }
  }
  EXPECT_LE(writes, 22);
  EXPECT_GE(writes, 12);
}

TEST(WriteQueue, ForgetsThatOnceItWasCalm) {
  WriteQueue queue;
  auto now = kStart;
  for (int i = 0; i < 4; ++i, now += 10s) {
    queue.add("a", now);
    ASSERT_TRUE(queue.take(now));
    queue.written("a", now);
  }
  now += 11min;
  queue.add("a", now);
  EXPECT_TRUE(queue.take(now));
  EXPECT_EQ(queue.written("a", now), 1s);
}

TEST(WriteQueue, NothingWaitsOnceTheWaitsAreForgotten) {
  WriteQueue queue;
  queue.add("a", kStart);
  queue.take(kStart);
  queue.failed("a", kStart, 5min);
  queue.forget_waits(kStart + 1s);
  EXPECT_EQ(queue.take(kStart + 1s), "a");
}

TEST(WriteQueue, IsIdleOnceAllIsDone) {
  WriteQueue queue;
  EXPECT_TRUE(queue.idle());
  queue.add("a", kStart);
  EXPECT_FALSE(queue.idle());
  queue.take(kStart);
  EXPECT_FALSE(queue.idle());
  queue.unneeded("a", kStart);
  EXPECT_TRUE(queue.idle());
}

struct Latency {
  const char* name;
  milliseconds each;
};
class WriteQueueThroughput : public ::testing::TestWithParam<Latency> {};

TEST_P(WriteQueueThroughput, WritesAThousandInTenSeconds) {
  WriteQueue queue;
  for (int i = 0; i < 1000; ++i) {
    queue.add(std::to_string(i), kStart);
  }
  std::multimap<Time, std::string> under_way;
  int written = 0;
  std::size_t most = 0;
  auto now = kStart;
  for (; written < 1000 && now < kStart + 1min; now += 5ms) {
    while (!under_way.empty() && under_way.begin()->first <= now) {
      queue.written(under_way.begin()->second, now);
      under_way.erase(under_way.begin());
      ++written;
    }
    while (const auto key = queue.take(now)) {
      under_way.emplace(now + GetParam().each, *key);
    }
    most = std::max(most, under_way.size());
  }
  EXPECT_LT(now - kStart, 10s);
  EXPECT_LE(most, 16U);
}

INSTANTIATE_TEST_SUITE_P(Latencies, WriteQueueThroughput,
                         ::testing::Values(Latency{"Fast", 1ms}, Latency{"Usual", 20ms},
                                           Latency{"Slow", 140ms}),
                         [](const auto& latency) { return latency.param.name; });

}  // namespace
}  // namespace portico::status
