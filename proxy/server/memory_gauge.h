// How much memory this process may use, and how much it does.
#pragma once

#include <cstdint>
#include <string>

namespace portico::server {

// Reads what the kernel counts. Where a cgroup (v2 or v1) bounds this process, the cgroup's own
// count: it has the sockets' buffers too. The page cache that can be dropped is left out.
//
// Thread:    one thread at a time.
// Errors:    what can't be read is nought: no limit, nothing used.
class MemoryGauge {
 public:
  // `asked_bytes` bounds this process alone; 0: the cgroup's limit holds, if there is one.
  // `cgroup_root` is where cgroups are mounted, `self_cgroup` what /proc/self/cgroup holds.
  MemoryGauge(std::uint64_t asked_bytes, const std::string& cgroup_root,
              const std::string& self_cgroup);
  // Of this process.
  explicit MemoryGauge(std::uint64_t asked_bytes);

  [[nodiscard]] std::uint64_t limit_bytes() const { return limit_bytes_; }
  [[nodiscard]] std::uint64_t used_bytes() const;

 private:
  void look_for_limit(const std::string& folder, const std::string& top, const char* limit_file,
                      const char* usage_file, const char* cache_name);

  std::uint64_t limit_bytes_ = 0;
  std::string usage_path_;  // empty: the process's own resident set
  std::string stat_path_;
  std::string cache_name_;
};

}  // namespace portico::server
