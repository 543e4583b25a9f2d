#include "proxy/server/memory_gauge.h"

#include <gtest/gtest.h>

#include "routing/testing/temp_folder.h"

namespace portico::server {
namespace {

class MemoryGaugeTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) { root_.write(path, text); }
  [[nodiscard]] MemoryGauge gauge(const std::string& self_cgroup) const {
    return {0, root_.path().string(), self_cgroup};
  }

  TempFolder root_;
};

TEST_F(MemoryGaugeTest, ReadsTheCgroupsLimitAndUse) {
  write("pod/memory.max", "1000000\n");
  write("pod/memory.current", "500000\n");
  write("pod/memory.stat", "anon 1\nfile 2\ninactive_file 200000\n");
  const auto found = gauge("0::/pod\n");
  EXPECT_EQ(found.limit_bytes(), 1'000'000U);
  EXPECT_EQ(found.used_bytes(), 300'000U);
}

TEST_F(MemoryGaugeTest, TheTightestLimitAboveCounts) {
  write("slice/memory.max", "700\n");
  write("slice/memory.current", "300\n");
  write("slice/pod/memory.max", "max\n");
  write("slice/pod/memory.current", "200\n");
  const auto found = gauge("0::/slice/pod\n");
  EXPECT_EQ(found.limit_bytes(), 700U);
  EXPECT_EQ(found.used_bytes(), 300U);
}

TEST_F(MemoryGaugeTest, AContainersOwnCgroupIsTheRoot) {
  write("memory.max", "900\n");
  write("memory.current", "100\n");
  EXPECT_EQ(gauge("0::/\n").limit_bytes(), 900U);
}

TEST_F(MemoryGaugeTest, ReadsVersionOneToo) {
  write("memory/pod/memory.limit_in_bytes", "1000\n");
  write("memory/pod/memory.usage_in_bytes", "400\n");
  write("memory/pod/memory.stat", "total_inactive_file 100\n");
  write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  const auto found = gauge("12:cpu,cpuacct:/pod\n5:memory:/pod\n");
  EXPECT_EQ(found.limit_bytes(), 1000U);
  EXPECT_EQ(found.used_bytes(), 300U);
}

TEST_F(MemoryGaugeTest, WithoutALimitThereIsNone) {
  EXPECT_EQ(gauge("0::/pod\n").limit_bytes(), 0U);
  EXPECT_EQ(gauge("").limit_bytes(), 0U);
}

TEST_F(MemoryGaugeTest, ALimitThatWasAskedForBoundsTheProcessItself) {
  write("memory.max", "900\n");
  const MemoryGauge asked(std::uint64_t{1} << 30, root_.path().string(), "0::/\n");
  EXPECT_EQ(asked.limit_bytes(), std::uint64_t{1} << 30);
  EXPECT_GT(asked.used_bytes(), std::uint64_t{1} << 20);
}

}  // namespace
}  // namespace portico::server
