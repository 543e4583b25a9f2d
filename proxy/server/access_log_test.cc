#include "proxy/server/access_log.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "routing/testing/temp_folder.h"

namespace portico::server {
namespace {

using namespace std::chrono_literals;

struct AccessLogTest : ::testing::Test {
  std::unique_ptr<AccessLog> open(std::size_t workers = 1) {
    auto log = AccessLog::open(LogFormat::kJson, path, workers);
    EXPECT_TRUE(log) << log.error();
    return std::move(*log);
  }
  static std::string text_of(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  // Waits for the writing thread, as long as it makes sense.
  static bool eventually(const std::function<bool()>& done) {
    for (const auto end = std::chrono::steady_clock::now() + 60s;
         std::chrono::steady_clock::now() < end;) {
      if (done()) {
        return true;
      }
      ::poll(nullptr, 0, 1);
    }
    return false;
  }

  TempFolder temporary;
  const std::string folder = temporary.path().string();
  const std::string path = folder + "/access.log";
};

TEST_F(AccessLogTest, WritesTheLinesOfEveryWorker) {
  auto log = open(2);
  log->ring(0).push("one\n");
  log->ring(1).push("two\n");
  EXPECT_TRUE(eventually([&] { return text_of(path) == "one\ntwo\n"; }));
}

TEST_F(AccessLogTest, WritesWhatWaitsBeforeItEnds) {
  {
    auto log = open();
    log->ring(0).push("last\n");
  }
  EXPECT_EQ(text_of(path), "last\n");
}

TEST_F(AccessLogTest, AppendsToWhatIsThere) {
  std::ofstream(path) << "before\n";
  open()->ring(0).push("after\n");
  EXPECT_EQ(text_of(path), "before\nafter\n");
}

TEST_F(AccessLogTest, GoesOnInANewFileAfterReopen) {
  auto log = open();
  log->ring(0).push("old\n");
  ASSERT_TRUE(eventually([&] { return text_of(path) == "old\n"; }));
  std::filesystem::rename(path, path + ".1");
  log->reopen();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(path); }));
  log->ring(0).push("new\n");
  EXPECT_TRUE(eventually([&] { return text_of(path) == "new\n"; }));
  EXPECT_EQ(text_of(path + ".1"), "old\n");
}

TEST_F(AccessLogTest, GoesOnInTheOldFileWhereTheNewOneCantBeOpened) {
  auto log = open();
  std::filesystem::rename(path, folder + "/moved");
  std::filesystem::create_directory(path);
  log->reopen();
  log->ring(0).push("kept\n");
  EXPECT_TRUE(eventually([&] { return text_of(folder + "/moved") == "kept\n"; }));
}

TEST_F(AccessLogTest, NamesAPathThatCantBeOpened) {
  const auto log = AccessLog::open(LogFormat::kJson, folder + "/none/access.log", 1);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().find("/none/access.log"), std::string::npos);
}

TEST_F(AccessLogTest, CountsLinesThatADiskHadNoRoomFor) {
  auto log = AccessLog::open(LogFormat::kJson, "/dev/full", 1);
  ASSERT_TRUE(log) << log.error();
  (*log)->ring(0).push("one\ntwo\n");
  (*log)->ring(0).push("three\n");
  EXPECT_TRUE(eventually([&] { return (*log)->lost_lines() == 3; }));
}

// Nobody reads the pipe: the ring fills, pushing never waits, and the end does not either.
TEST_F(AccessLogTest, DropsWhereTheLogBlocks) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  auto log = open();
  const std::string line(1000, 'x');
  EXPECT_TRUE(eventually([&] { return !log->ring(0).push(line); }));
  const auto begin = std::chrono::steady_clock::now();
  log.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 60s);
  ::close(reader);
}

}  // namespace
}  // namespace portico::server
