#include "controller/cli/cores.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sched.h>
#include <sstream>

namespace portico::cli {
namespace {

std::size_t cores_of(double quota, double period) {
  return quota > 0 && period > 0 ? static_cast<std::size_t>(std::ceil(quota / period)) : 0;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// cgroup v2: "max 100000" or "150000 100000".
std::size_t cores_v2(const std::string& folder) {
  std::istringstream text(read_file(folder + "/cpu.max"));
  double quota = 0;
  double period = 0;
  return text >> quota >> period ? cores_of(quota, period) : 0;
}

std::size_t cores_v1(const std::string& folder) {
  std::istringstream quota_text(read_file(folder + "/cpu.cfs_quota_us"));
  std::istringstream period_text(read_file(folder + "/cpu.cfs_period_us"));
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

bool names_cpu(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "cpu") {
      return true;
    }
  }
  return false;
}

}  // namespace

std::size_t cgroup_cores(const std::string& root, const std::string& self_cgroup) {
  std::istringstream lines(self_cgroup);
  std::size_t least = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto path = line.substr(second + 1);
    std::size_t cores = 0;
    if (controllers.empty()) {
      cores = least_up_to_root(root, path, cores_v2);
    } else if (names_cpu(controllers)) {
      cores = least_up_to_root(root + "/" + controllers, path, cores_v1);
    }
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
  const auto quota = cgroup_cores("/sys/fs/cgroup", read_file("/proc/self/cgroup"));
  return std::max<std::size_t>(1, quota == 0 ? allowed : std::min(allowed, quota));
}

}  // namespace portico::cli
