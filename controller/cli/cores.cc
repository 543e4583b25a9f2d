#include "controller/cli/cores.h"

#include <algorithm>
#include <cmath>
#include <sched.h>
#include <sstream>

#include "proxy/server/cgroup.h"

namespace portico::cli {
namespace {

std::size_t cores_of(double quota, double period) {
  return quota > 0 && period > 0 ? static_cast<std::size_t>(std::ceil(quota / period)) : 0;
}

// cgroup v2: "max 100000" or "150000 100000".
std::size_t cores_v2(const std::string& folder) {
  std::istringstream text(server::read_text(folder + "/cpu.max"));
  double quota = 0;
  double period = 0;
  return text >> quota >> period ? cores_of(quota, period) : 0;
}

std::size_t cores_v1(const std::string& folder) {
  std::istringstream quota_text(server::read_text(folder + "/cpu.cfs_quota_us"));
  std::istringstream period_text(server::read_text(folder + "/cpu.cfs_period_us"));
  double quota = 0;
  double period = 0;
  return quota_text >> quota && period_text >> period ? cores_of(quota, period) : 0;
}

// The least of the quotas from `path` up to the root of its hierarchy; 0: none has one.
template <class Read>
std::size_t least_up_to_root(const std::string& root, std::string path, Read read) {
  std::size_t least = 0;
  while (true) {
    if (const auto cores = read(root + path); cores != 0 && (least == 0 || cores < least)) {
      least = cores;
    }
    if (path.empty() || path == "/") {
      return least;
    }
    path.erase(path.find_last_of('/'));
  }
}

}  // namespace

std::size_t cgroup_cores(const std::string& root, const std::string& self_cgroup) {
  std::size_t least = 0;
  for (const auto& [controllers, path] : server::cgroups_of(self_cgroup, "cpu")) {
    const auto cores = controllers.empty()
                           ? least_up_to_root(root, path, cores_v2)
                           : least_up_to_root(root + "/" + controllers, path, cores_v1);
    if (cores != 0 && (least == 0 || cores < least)) {
      least = cores;
    }
  }
  return least;
}

std::size_t available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const std::size_t allowed =
      ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<std::size_t>(CPU_COUNT(&set)) : 1;
  const auto quota = cgroup_cores("/sys/fs/cgroup", server::read_text("/proc/self/cgroup"));
  return std::max<std::size_t>(1, quota == 0 ? allowed : std::min(allowed, quota));
}

}  // namespace portico::cli
