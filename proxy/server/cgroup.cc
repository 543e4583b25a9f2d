#include "proxy/server/cgroup.h"

#include <fstream>
#include <sstream>
#include <utility>

namespace portico::server {
namespace {

bool names(const std::string& controllers, std::string_view controller) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == controller) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<Cgroup> cgroups_of(const std::string& self_cgroup, std::string_view controller) {
  std::vector<Cgroup> found;
  std::istringstream lines(self_cgroup);
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    auto controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty() || names(controllers, controller)) {
      found.push_back({.controllers = std::move(controllers), .path = line.substr(second + 1)});
    }
  }
  return found;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace portico::server
