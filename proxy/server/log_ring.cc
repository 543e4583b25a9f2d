#include "proxy/server/log_ring.h"

#include <algorithm>
#include <cstring>

namespace portico::server {

bool LogRing::push(std::string_view line) {
  const auto written = written_.load(std::memory_order_relaxed);
  const auto used = written - read_.load(std::memory_order_acquire);
  if (line.size() > kCapacityBytes - used) {
    return false;
  }
  const auto at = written % kCapacityBytes;
  const auto first = std::min(line.size(), kCapacityBytes - at);
  std::memcpy(bytes_.get() + at, line.data(), first);
  std::memcpy(bytes_.get(), line.data() + first, line.size() - first);
  written_.store(written + line.size(), std::memory_order_release);
  return true;
}

std::span<const char> LogRing::front() const {
  const auto read = read_.load(std::memory_order_relaxed);
  const auto waiting = written_.load(std::memory_order_acquire) - read;
  const auto at = read % kCapacityBytes;
  return {bytes_.get() + at, std::min<std::size_t>(waiting, kCapacityBytes - at)};
}

void LogRing::consume(std::size_t bytes) {
  read_.store(read_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

}  // namespace portico::server
