// Which cgroups this process is in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace portico::server {

struct Cgroup {
  std::string controllers;  // of v1, as the folder of its hierarchy is named; empty: v2
  std::string path;         // below its hierarchy, beginning with '/'
};

// Those that may bound `controller` ("cpu"), by what /proc/self/cgroup holds: lines of "0::/path"
// for v2 and "4:cpu,cpuacct:/path" for v1.
std::vector<Cgroup> cgroups_of(const std::string& self_cgroup, std::string_view controller);

// What /proc/self/cgroup and the files of a cgroup hold; empty where there is none.
std::string read_text(const std::string& path);

}  // namespace portico::server
