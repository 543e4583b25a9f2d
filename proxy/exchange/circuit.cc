#include "proxy/exchange/circuit.h"

#include <algorithm>

namespace portico::exchange {
namespace {

// As given: 0 is no limit.
std::uint32_t limit_of(const std::optional<std::uint32_t>& given) {
  return given.value_or(0) == 0 ? Turnstile::kNoLimit : *given;
}

}  // namespace

bool CircuitLimits::any() const {
  return connections != Turnstile::kNoLimit || requests != Turnstile::kNoLimit ||
         retries != Turnstile::kNoLimit || adaptive;
}

// An HTTP/1 connection carries one request: there is no use in letting more in than there may be
// connections, to wait inside.
CircuitLimits circuit_limits(const routing::CircuitSpec& spec, routing::BackendProtocol protocol) {
  CircuitLimits limits{.connections = limit_of(spec.max_connections),
                       .requests = limit_of(spec.max_requests),
                       .retries = limit_of(spec.max_retries)};
  if (protocol == routing::BackendProtocol::kHttp1 && limits.connections <= limits.requests) {
    limits.requests = limits.connections;
    limits.by_connections = true;
  }
  limits.adaptive = spec.adaptive.value_or(false);
  limits.queue_timeout = spec.queue_timeout.value_or(limits.queue_timeout);
  if (limits.queue_timeout.count() > 0) {
    const auto asked = spec.max_pending.value_or(0);
    limits.pending = asked == 0 ? CircuitLimits::kPending : asked;
  }
  return limits;
}

void Circuit::set(const CircuitLimits& limits) {
  max_retries_.store(limits.retries, std::memory_order_relaxed);
  max_pending_.store(limits.pending, std::memory_order_relaxed);
  queue_timeout_ms_.store(limits.queue_timeout.count(), std::memory_order_relaxed);
  max_requests_.store(limits.requests, std::memory_order_relaxed);
  by_connections_.store(limits.by_connections, std::memory_order_relaxed);
  connections.set_limit(limits.connections);
  if (limits.adaptive) {
    latency.turn_on(limits.requests);
  } else {
    latency.turn_off();
    requests.set_limit(limits.requests);
  }
}

bool Circuit::begin_retry() {
  auto retries = retries_.load(std::memory_order_relaxed);
  const auto limit = max_retries_.load(std::memory_order_relaxed);
  while (retries < limit) {
    if (retries_.compare_exchange_weak(retries, retries + 1, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void Circuit::add_holder(net::Loop& loop, ConnectionHolder& holder) {
  const tls::MutexLock lock(mutex_);
  holders_.push_back({.loop = &loop, .holder = &holder});
}

void Circuit::remove_holder(const ConnectionHolder& holder) {
  const tls::MutexLock lock(mutex_);
  std::erase_if(holders_, [&holder](const Holder& known) { return known.holder == &holder; });
}

void Circuit::ask_for_room() {
  const tls::MutexLock lock(mutex_);
  for (const auto& known : holders_) {
    known.loop->post([this, holder = known.holder] { holder->make_room(*this); });
  }
}

CircuitRefusal Circuit::refusal() const {
  if (max_pending() != 0) {
    return CircuitRefusal::kMaxPending;
  }
  if (requests.limit() < max_requests_.load(std::memory_order_relaxed)) {
    return CircuitRefusal::kAdaptiveLimit;
  }
  return by_connections_.load(std::memory_order_relaxed) ? CircuitRefusal::kMaxConnections
                                                         : CircuitRefusal::kMaxRequests;
}

}  // namespace portico::exchange
