// What one request makes of its endpoints' health: which it steps over, and what its tries told.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/exchange/config.h"
#include "proxy/exchange/endpoint_health.h"
#include "proxy/net/loop.h"
#include "routing/policy.h"
#include "routing/proxy_error.h"

namespace portico::exchange {

// A route that does not want outliers ejected neither heeds nor tells anything. Where there is but
// one endpoint, it is tried whatever it did before, and only its good answers are told.
//
// Thread:    its exchange's worker.
// Lifetime:  a part of its exchange, used again for the next request after begin().
class HealthGate {
 public:
  using Clock = EndpointHealth::Clock;

  explicit HealthGate(net::Loop& loop) : loop_(loop) {}

  void begin() { ejections_ = 0; }

  // Before each pick: among how many, and when.
  void begin_try(const routing::Policy& policy, std::size_t endpoints, Clock::time_point now);

  // Whether the pick should step over it.
  [[nodiscard]] bool is_shut(const Endpoint& endpoint) const {
    return heeds_ && endpoint.health != nullptr && endpoint.health->is_shut(now_);
  }
  // For the one that was picked, where not is_shut(): false where another request was faster to
  // find out how it is. Then it is shut.
  [[nodiscard]] bool enter(const Endpoint& endpoint);
  // For one that was picked though it may be shut, for want of another.
  void enter_anyway(const Endpoint& endpoint) {
    if (!enter(endpoint)) {
      entry_ = endpoint.health;
    }
  }

  // The try is one to find out how an endpoint is: not by a connection from before.
  [[nodiscard]] bool is_probe() const { return is_probe_; }

  // What came of the try.
  void answered(const Endpoint& endpoint, std::uint16_t status) {
    if (endpoint.health == nullptr) {
      return;
    }
    if (heeds_) {
      tell(*endpoint.health, routing::outcome_of(status));
    } else if (is_alone_ && endpoint.health->has_counted()) {
      tell_alone(*endpoint.health, routing::outcome_of(status));
    }
  }
  void failed(const Endpoint& endpoint, const routing::ProxyError& error, bool connection_reused);

  // By this request's tries.
  [[nodiscard]] int ejections() const { return ejections_; }

 private:
  void tell(EndpointHealth& health, routing::TryOutcome outcome);
  // It was ejected when there were others.
  void tell_alone(EndpointHealth& health, routing::TryOutcome outcome);

  net::Loop& loop_;
  Clock::time_point now_;
  const EndpointHealth* entry_ = nullptr;  // that was out, and is tried all the same
  routing::OutlierLimits limits_;
  int ejections_ = 0;
  bool heeds_ = false;
  bool is_alone_ = false;
  bool is_probe_ = false;
};

}  // namespace portico::exchange
