#include "proxy/server/memory_gauge.h"

#include <sstream>
#include <unistd.h>

#include "proxy/server/cgroup.h"

namespace portico::server {
namespace {

constexpr std::uint64_t kNoLimitV1 = std::uint64_t{1} << 62;  // v1 says it by a huge number

// 0 where there is no number ("max" too).
std::uint64_t read_number(const std::string& path) {
  std::istringstream text(read_text(path));
  std::uint64_t number = 0;
  text >> number;
  return text ? number : 0;
}

// The number behind `name` in lines of "name number".
std::uint64_t read_named(const std::string& path, const std::string& name) {
  std::istringstream text(read_text(path));
  std::string key;
  std::uint64_t number = 0;
  while (text >> key >> number) {
    if (key == name) {
      return number;
    }
  }
  return 0;
}

std::uint64_t resident_bytes() {
  std::istringstream text(read_text("/proc/self/statm"));
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  text >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

MemoryGauge::MemoryGauge(std::uint64_t asked_bytes)
    : MemoryGauge(asked_bytes, "/sys/fs/cgroup", read_text("/proc/self/cgroup")) {}

MemoryGauge::MemoryGauge(std::uint64_t asked_bytes, const std::string& cgroup_root,
                         const std::string& self_cgroup)
    : limit_bytes_(asked_bytes) {
  if (asked_bytes != 0) {
    return;
  }
  for (const auto& [controllers, path] : cgroups_of(self_cgroup, "memory")) {
    if (controllers.empty()) {
      look_for_limit(cgroup_root + path, cgroup_root, "memory.max", "memory.current",
                     "inactive_file");
    } else {
      const auto top = cgroup_root + "/memory";
      look_for_limit(top + path, top, "memory.limit_in_bytes", "memory.usage_in_bytes",
                     "total_inactive_file");
    }
  }
}

// A cgroup above may have a tighter limit: the least one counts.
void MemoryGauge::look_for_limit(const std::string& folder, const std::string& top,
                                 const char* limit_file, const char* usage_file,
                                 const char* cache_name) {
  for (auto at = folder; at.size() >= top.size(); at.erase(at.find_last_of('/'))) {
    const auto limit = read_number(at + "/" + limit_file);
    if (limit != 0 && limit < kNoLimitV1 && (limit_bytes_ == 0 || limit < limit_bytes_)) {
      limit_bytes_ = limit;
      usage_path_ = at + "/" + usage_file;
      stat_path_ = at + "/memory.stat";
      cache_name_ = cache_name;
    }
  }
}

std::uint64_t MemoryGauge::used_bytes() const {
  if (usage_path_.empty()) {
    return resident_bytes();
  }
  const auto all = read_number(usage_path_);
  const auto cache = read_named(stat_path_, cache_name_);
  return all > cache ? all - cache : 0;
}

}  // namespace portico::server
