// What one request makes of its endpoints' health: which it steps over, and what its tries told.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/exchange/config.h"
#include "proxy/exchange/endpoint_health.h"
#include "proxy/exchange/try_tallies.h"
#include "proxy/net/loop.h"
#include "routing/policy.h"
#include "routing/proxy_error.h"

namespace portico::exchange {

// A route that does not want outliers ejected neither heeds nor tells anything of tries; what
// active checks found it heeds all the same. Where there is but one endpoint, it is tried whatever
// it did before, and only its good answers are told.
//
// Thread:    its exchange's worker.
// Lifetime:  a part of its exchange, used again for the next request after begin().
class HealthGate {
 public:
  using Clock = EndpointHealth::Clock;

  // `tallies`: where tries are counted for success_rate.h; null: nowhere.
  explicit HealthGate(net::Loop& loop, TryTallies* tallies = nullptr)
      : loop_(loop), tallies_(tallies) {}

  void begin() { ejections_ = 0; }

  // Before each pick: among how many, and when.
  void begin_try(const routing::Policy& policy, std::size_t endpoints, Clock::time_point now);

  // The try's moment.
  [[nodiscard]] Clock::time_point now() const { return now_; }

  // The try is one of this backend's.
  void count_for(routing::BackendId id, const Backend& backend) {
    backend_ = id;
    is_by_chance_ = backend.affinity == nullptr && backend.hash_key.pieces().empty();
  }

  // Whether it matters how endpoints are.
  [[nodiscard]] bool heeds() const { return heeds_; }
  // Whether the pick should step over it.
  [[nodiscard]] bool is_shut(const Endpoint& endpoint) const {
    return has_others_ && endpoint.health != nullptr &&
           (heeds_ ? endpoint.health->is_shut(now_) : endpoint.health->is_ill());
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
      const auto outcome = routing::outcome_of(status);
      count(endpoint.id, outcome);
      tell(*endpoint.health, outcome);
    } else if (is_alone_ && endpoint.health->has_counted()) {
      tell_alone(*endpoint.health, routing::outcome_of(status));
    }
  }
  void failed(const Endpoint& endpoint, const routing::ProxyError& error, bool connection_reused);

  // It is over. One that was to find out how an endpoint is, and that nothing was told of, leaves
  // that to another.
  void try_ended() {
    if (is_probe_ && !is_told_) {
      give_up();
    }
  }

  // By this request's tries.
  [[nodiscard]] int ejections() const { return ejections_; }

 private:
  // Where what is asked for chooses the endpoint, an application's errors are not the endpoint's:
  // whoever asks for what fails always meets the same one.
  void count(EndpointId endpoint, routing::TryOutcome outcome) {
    using enum routing::TryOutcome;
    if (tallies_ != nullptr && counts_ && outcome != kSilent) {
      const bool fails = outcome != kAnswered && (outcome != kServerError || is_by_chance_);
      tallies_->count(backend_, endpoint, fails);
    }
  }
  void give_up();
  void tell(EndpointHealth& health, routing::TryOutcome outcome);
  // It was ejected when there were others.
  void tell_alone(EndpointHealth& health, routing::TryOutcome outcome);

  net::Loop& loop_;
  TryTallies* tallies_;
  Clock::time_point now_;
  routing::BackendId backend_{};
  EndpointHealth* entry_ = nullptr;  // that was out, and is tried all the same
  routing::OutlierLimits limits_;
  int ejections_ = 0;
  bool has_others_ = false;  // to send to instead
  bool heeds_ = false;
  bool is_alone_ = false;
  bool is_probe_ = false;
  bool is_told_ = false;       // of the endpoint that is probed
  bool counts_ = false;        // tries, for success_rate.h
  bool is_by_chance_ = false;  // which endpoint it is
};

}  // namespace portico::exchange
