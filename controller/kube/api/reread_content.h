// Bytes from a file that somebody replaces now and then: tokens, authorities, client certificates.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>

#include "controller/kube/api/access.h"

namespace portico::kube {

using SteadyClock = std::function<std::chrono::steady_clock::time_point()>;

// Thread:    the loop's; reads the file on it, which is small and local.
// Errors:    one line that names the field and the file. Once read, what was read last good counts
//            as long as the file can't be read (fail static).
class RereadContent {
 public:
  // Tokens of a pod's account are good for an hour and replaced at four fifths of it.
  static constexpr std::chrono::seconds kPeriod{60};
  static constexpr std::size_t kMaxBytes = std::size_t{4} << 20;

  RereadContent(Content content, SteadyClock clock);

  // Looks at the file again if it has not for kPeriod.
  std::expected<void, std::string> refresh();
  // Looks now. True: the bytes changed.
  bool reread();
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  // Another number whenever bytes() changed.
  [[nodiscard]] std::uint64_t version() const { return version_; }

 private:
  std::expected<void, std::string> read();

  Content content_;
  SteadyClock clock_;
  std::string bytes_;
  std::uint64_t version_ = 0;
  std::chrono::steady_clock::time_point read_at_;
};

// All of a file; the error is the system's words.
std::expected<std::string, std::string> read_file(const std::filesystem::path& path,
                                                  std::size_t max_bytes);

}  // namespace portico::kube
