// The access log: a ring per worker, one thread that writes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "proxy/server/log_format.h"
#include "proxy/server/log_ring.h"

namespace portico::server {

// Thread:    ring() belongs to a worker each; reopen() may be called from any thread.
// Lifetime:  the destructor writes what waits, then closes. A log that blocks for longer than a
// second at that point
//            loses the rest.
class AccessLog {
 public:
  // `path` empty: standard output. Errors: one line, with the path.
  static std::expected<std::unique_ptr<AccessLog>, std::string> open(LogFormat format,
                                                                     std::string path,
                                                                     std::size_t workers);
  ~AccessLog();

  [[nodiscard]] LogFormat format() const { return format_; }
  [[nodiscard]] LogRing& ring(std::size_t worker) { return *rings_[worker]; }
  // For log rotation: the next line goes to a file opened anew.
  void reopen() { reopen_ = true; }
  // Lines that could not be written: a full disk, a closed pipe. From any thread.
  [[nodiscard]] std::uint64_t lost_lines() const { return lost_lines_; }

 private:
  AccessLog(LogFormat format, std::string path, int fd, std::size_t workers);
  void run(const std::stop_token& stop);
  bool drain();
  bool write_some(std::span<const char> bytes, std::size_t& written);
  std::size_t lose(std::span<const char> bytes);
  void reopen_file();
  void use(int fd);

  LogFormat format_;
  std::string path_;
  int fd_;
  bool may_block_ = false;  // no regular file
  std::vector<std::unique_ptr<LogRing>> rings_;
  std::atomic<bool> reopen_{false};
  std::atomic<std::uint64_t> lost_lines_{0};
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread writer_;
};

}  // namespace portico::server
