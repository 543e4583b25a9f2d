// How many cores this process may use.
#pragma once

#include <cstddef>
#include <string>

namespace portico::cli {

// CPU affinity and the cgroup's quota (v1 and v2), whichever is less; at least 1. A part of a core
// counts as one.
std::size_t available_cores();

// The quota in `root`'s cgroup files for this process, rounded up; 0: none. `self_cgroup` is what
// /proc/self/cgroup holds.
std::size_t cgroup_cores(const std::string& root, const std::string& self_cgroup);

}  // namespace portico::cli
