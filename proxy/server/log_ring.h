// Lines from one worker to the log's writer, without a lock; what does not fit is dropped and
// counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace portico::server {

// Thread: shared by one that pushes and one that reads.
class LogRing {
 public:
  static constexpr std::size_t kCapacityBytes = 1024 * 1024;  // a power of two

  LogRing() : bytes_(std::make_unique<char[]>(kCapacityBytes)) {}

  // The pushing thread's. A line is taken whole or not at all.
  bool push(std::string_view line);
  // The reading thread's: the bytes that wait, as far as they are contiguous; consume() gives their
  // room back.
  [[nodiscard]] std::span<const char> front() const;
  void consume(std::size_t bytes);

 private:
  std::unique_ptr<char[]> bytes_;
  alignas(64) std::atomic<std::uint64_t> written_{0};
  alignas(64) std::atomic<std::uint64_t> read_{0};
};

}  // namespace portico::server
