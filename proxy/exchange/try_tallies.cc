#include "proxy/exchange/try_tallies.h"

namespace portico::exchange {

void TryTallies::grow(std::size_t size) {
  slots_.resize(size);
  touched_.reserve(slots_.capacity());
}

std::vector<TryTally> TryTallies::take() {
  std::vector<TryTally> taken;
  taken.reserve(touched_.size());
  for (const auto endpoint : touched_) {
    auto& slot = slots_[static_cast<std::size_t>(endpoint)];
    if (slot.tries != 0) {
      taken.push_back({.backend = slot.backend,
                       .endpoint = endpoint,
                       .tries = slot.tries,
                       .failures = slot.failures});
    }
    slot = {};
  }
  touched_.clear();
  return taken;
}

void TryTallies::forget(EndpointId endpoint) {
  if (const auto index = static_cast<std::size_t>(endpoint); index < slots_.size()) {
    slots_[index] = {};
  }
}

}  // namespace portico::exchange
