#include "proxy/net/loop.h"

#include <fcntl.h>
#include <memory>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace portico::net {
namespace {

using namespace std::chrono_literals;

TEST(Loop, RunsPostedTasksInOrderAndNeverInsidePost) {
  Loop loop;
  std::vector<int> order;
  loop.post([&] {
    loop.post([&] { order.push_back(3); });
    order.push_back(1);
  });
  loop.post([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  EXPECT_TRUE(loop.run_until([&] { return order.size() == 3; }, 60s));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Loop, TakesTasksFromOtherThreads) {
  Loop loop;
  int sum = 0;
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i) {
      loop.post([&sum] { ++sum; });
    }
    loop.post([&loop] { loop.stop(); });
  });
  loop.run();
  poster.join();
  EXPECT_EQ(sum, 1000);
}

TEST(Loop, DestroysTasksThatDidNotRun) {
  auto witness = std::make_shared<int>(0);
  bool ran = false;
  {
    Loop loop;
    loop.post([witness, &ran] { ran = true; });
    EXPECT_EQ(witness.use_count(), 2);
  }
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_FALSE(ran);
}

TEST(Loop, ADyingTaskMayPost) {
  struct Poster {
    Loop* loop;
    ~Poster() {
      loop->post([] {});
    }
  };
  Loop loop;
  loop.post([poster = std::make_unique<Poster>(&loop)] {});
}

TEST(Loop, StopsFromAnotherThread) {
  Loop loop;
  std::thread stopper([&loop] { loop.stop(); });
  loop.run();
  stopper.join();
}

class FdWatchTest : public ::testing::Test {
 protected:
  FdWatchTest() { EXPECT_EQ(::pipe2(pipe_.data(), O_NONBLOCK | O_CLOEXEC), 0); }
  ~FdWatchTest() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }

  Loop loop_;
  std::array<int, 2> pipe_{};
};

TEST_F(FdWatchTest, CallsAgainUntilTheDescriptorIsEmpty) {
  std::string got;
  const auto watch = loop_.watch_readable(pipe_[0], [&] {
    char byte = 0;
    ASSERT_EQ(::read(pipe_[0], &byte, 1), 1);
    got += byte;
  });
  ASSERT_EQ(::write(pipe_[1], "abc", 3), 3);
  ASSERT_TRUE(loop_.run_until([&] { return got == "abc"; }, 60s));
  ASSERT_EQ(::write(pipe_[1], "d", 1), 1);
  EXPECT_TRUE(loop_.run_until([&] { return got == "abcd"; }, 60s));
}

TEST_F(FdWatchTest, TellsWhatWasReadyBeforeItBegan) {
  ASSERT_EQ(::write(pipe_[1], "a", 1), 1);
  bool called = false;
  std::unique_ptr<FdWatch> watch = loop_.watch_readable(pipe_[0], [&] {
    called = true;
    watch.reset();  // inside its own callback
  });
  EXPECT_TRUE(loop_.run_until([&] { return called && watch == nullptr; }, 60s));
}

TEST_F(FdWatchTest, TellsThatWritingIsPossible) {
  bool called = false;
  std::unique_ptr<FdWatch> watch = loop_.watch_writable(pipe_[1], [&] {
    called = true;
    watch.reset();
  });
  EXPECT_TRUE(loop_.run_until([&] { return called; }, 60s));
}

TEST(BufferPool, KeepsABoundedNumberAfterAPeak) {
  BufferPool pool;
  std::vector<Buffer> peak;
  for (std::size_t i = 0; i < 2 * BufferPool::kKeptSmall; ++i) {
    peak.push_back(pool.take_small());
  }
  EXPECT_EQ(pool.in_use(), 2 * BufferPool::kKeptSmall);
  peak.clear();
  EXPECT_EQ(pool.in_use(), 0);
  EXPECT_EQ(pool.kept(), BufferPool::kKeptSmall);
}

}  // namespace
}  // namespace portico::net
