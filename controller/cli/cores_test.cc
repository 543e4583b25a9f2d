#include "controller/cli/cores.h"

#include <gtest/gtest.h>

#include "routing/testing/temp_folder.h"

namespace portico::cli {
namespace {

TEST(AvailableCores, IsAtLeastOne) {
  EXPECT_GE(available_cores(), 1u);
}

TEST(CgroupCores, RoundsAPartOfACoreUp) {
  const TempFolder root;
  root.write("pod/cpu.max", "150000 100000\n");
  EXPECT_EQ(cgroup_cores(root.path(), "0::/pod\n"), 2u);
  root.write("pod/cpu.max", "10000 100000\n");
  EXPECT_EQ(cgroup_cores(root.path(), "0::/pod\n"), 1u);
  root.write("pod/cpu.max", "400000 100000\n");
  EXPECT_EQ(cgroup_cores(root.path(), "0::/pod\n"), 4u);
}

TEST(CgroupCores, TakesTheLeastOnTheWayToTheRoot) {
  const TempFolder root;
  root.write("slice/cpu.max", "200000 100000\n");
  root.write("slice/pod/cpu.max", "800000 100000\n");
  EXPECT_EQ(cgroup_cores(root.path(), "0::/slice/pod\n"), 2u);
  root.write("slice/pod/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_cores(root.path(), "0::/slice/pod\n"), 2u);
}

TEST(CgroupCores, SeesAContainersOwnRoot) {
  const TempFolder root;
  root.write("cpu.max", "300000 100000\n");
  EXPECT_EQ(cgroup_cores(root.path(), "0::/\n"), 3u);
}

TEST(CgroupCores, ReadsVersionOne) {
  const TempFolder root;
  root.write("cpu,cpuacct/pod/cpu.cfs_quota_us", "250000\n");
  root.write("cpu,cpuacct/pod/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cores(root.path(), "4:memory:/pod\n3:cpu,cpuacct:/pod\n"), 3u);
}

TEST(CgroupCores, OfNoQuotaIsZero) {
  const TempFolder root;
  root.write("v2/cpu.max", "max 100000\n");
  root.write("cpu/pod/cpu.cfs_quota_us", "-1\n");
  root.write("cpu/pod/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cores(root.path(), "0::/v2\n"), 0u);
  EXPECT_EQ(cgroup_cores(root.path(), "3:cpu:/pod\n"), 0u);
  EXPECT_EQ(cgroup_cores(root.path(), "0::/gone\n"), 0u);
  EXPECT_EQ(cgroup_cores(root.path(), "neither\n:\n"), 0u);
  EXPECT_EQ(cgroup_cores(root.path(), ""), 0u);
}

}  // namespace
}  // namespace portico::cli
