// Whether an endpoint is ill, by its last checks.
#pragma once

#include <cstdint>

#include "routing/health_check_spec.h"

namespace portico::checks {

// It takes some checks in a row that say otherwise to change an opinion.
class Streak {
 public:
  explicit Streak(bool is_ill) : is_ill_(is_ill) {}

  // True where this check changed the opinion.
  bool count(bool passed, const routing::HealthCheckSpec& spec) {
    if (passed != is_ill_) {
      against_ = 0;
      return false;
    }
    if (++against_ < (is_ill_ ? spec.healthy_after : spec.unhealthy_after)) {
      return false;
    }
    is_ill_ = !is_ill_;
    against_ = 0;
    return true;
  }

  [[nodiscard]] bool is_ill() const { return is_ill_; }

 private:
  std::uint8_t against_ = 0;  // the opinion, in a row
  bool is_ill_;
};

}  // namespace portico::checks
