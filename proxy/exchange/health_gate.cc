#include "proxy/exchange/health_gate.h"

namespace portico::exchange {

using routing::TryOutcome;

void HealthGate::begin_try(const routing::Policy& policy, std::size_t endpoints,
                           Clock::time_point now) {
  has_others_ = endpoints > 1;
  heeds_ = policy.outlier_ejection && has_others_;
  is_alone_ = policy.outlier_ejection && endpoints <= 1;
  counts_ = heeds_ && policy.outlier_success_rate;
  limits_.server_errors = policy.consecutive_5xx;
  now_ = now;
  entry_ = nullptr;
  is_probe_ = is_told_ = false;
}

bool HealthGate::enter(const Endpoint& endpoint) {
  if (!heeds_ || endpoint.health == nullptr) {
    return !is_shut(endpoint);
  }
  const auto entry = endpoint.health->enter(now_);
  if (entry == EndpointHealth::Entry::kShut) {
    return false;
  }
  if (entry == EndpointHealth::Entry::kClaimed) {
    entry_ = endpoint.health;
    is_probe_ = true;
  }
  return true;
}

void HealthGate::failed(const Endpoint& endpoint, const routing::ProxyError& error,
                        bool connection_reused) {
  if (heeds_ && endpoint.health != nullptr) {
    const auto outcome = routing::outcome_of(error, connection_reused);
    count(endpoint.id, outcome);
    tell(*endpoint.health, outcome);
  }
}

void HealthGate::give_up() {
  is_told_ = true;
  entry_->give_up();
}

void HealthGate::tell(EndpointHealth& health, TryOutcome outcome) {
  is_told_ = is_told_ || outcome != TryOutcome::kSilent;
  const bool is_failure = outcome != TryOutcome::kAnswered && outcome != TryOutcome::kSilent;
  if (!is_failure && !health.has_counted()) {
    return;  // nearly always
  }
  if (health.report(outcome, entry_ == &health, limits_, loop_.now())) {
    ++ejections_;
  }
}

void HealthGate::tell_alone(EndpointHealth& health, TryOutcome outcome) {
  if (outcome == TryOutcome::kAnswered) {
    health.report(outcome, true, limits_, loop_.now());
  }
}

}  // namespace portico::exchange
