// How much of their weights counts for endpoints that are new, or back.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "proxy/exchange/config.h"
#include "proxy/exchange/endpoint_health.h"
#include "routing/share.h"

namespace portico::exchange {

// A backend's slow start, at one moment.
struct SlowStart {
  using Clock = EndpointHealth::Clock;

  std::chrono::milliseconds length{0};  // 0: there is none
  Clock::time_point now;

  [[nodiscard]] bool is_on() const { return length.count() != 0; }
  // How much of its weight counts, in thousandths.
  [[nodiscard]] std::uint32_t part_of(const Endpoint& endpoint) const {
    if (!is_on()) {
      return routing::kWholePart;
    }
    auto since = endpoint.since;
    if (endpoint.health != nullptr) {
      since = std::max(since, endpoint.health->serves_since());
    }
    if (since == Clock::time_point()) {
      return routing::kWholePart;
    }
    return routing::part_at_age(std::chrono::duration_cast<std::chrono::milliseconds>(now - since),
                                length);
  }
  // The part that counts of its weight, in thousandths of a weight of 1.
  [[nodiscard]] std::uint32_t share_of(const Endpoint& endpoint) const {
    return endpoint.weight * part_of(endpoint);
  }
};

}  // namespace portico::exchange
