#pragma once

#include <cstdint>

namespace portico::upstream {

// What a worker's pools have done and hold; connections, whatever their protocol.
struct PoolCounts {
  std::uint64_t connects = 0;  // begun
  std::uint64_t connect_failures = 0;
  std::uint64_t reuses = 0;  // requests that got a warm connection
  std::uint64_t open = 0;
  std::uint64_t idle = 0;
};

}  // namespace portico::upstream
