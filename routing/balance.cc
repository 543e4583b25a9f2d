#include "routing/balance.h"

#include <algorithm>

namespace portico::routing {

std::size_t RoundRobin::pick(std::size_t count) {
  const auto picked = next_ % count;
  next_ = picked + 1;
  return picked;
}

std::size_t RoundRobin::pick(std::size_t count, std::span<const std::size_t> tried) {
  for (std::size_t step = 0; step < count; ++step) {
    const auto candidate = (next_ + step) % count;
    if (std::ranges::find(tried, candidate) == tried.end()) {
      next_ = candidate + 1;
      return candidate;
    }
  }
  return pick(count);
}

}  // namespace portico::routing
