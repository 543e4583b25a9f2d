// How much of a backend is under way at once, all workers together, and how much may be.
//
// Thread:    shared. The limits are written by the controller's thread alone and may change at any
//            time: what is under way then stays so.
// Lifetime:  of the table that the controller's thread keeps; longer than every worker.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "proxy/exchange/adaptive_limit.h"
#include "proxy/exchange/circuit_refusal.h"
#include "proxy/exchange/turnstile.h"
#include "proxy/net/loop.h"
#include "routing/circuit_spec.h"
#include "routing/proxy_error.h"
#include "routing/snapshot.h"
#include "tls/mutex.h"

namespace portico::exchange {

class Circuit;

// Of a CircuitSpec, with what it leaves open.
struct CircuitLimits {
  // How many wait at most where only the time is given.
  static constexpr std::uint32_t kPending = 1024;

  std::uint32_t connections = Turnstile::kNoLimit;
  std::uint32_t requests = Turnstile::kNoLimit;
  std::uint32_t pending = 0;
  std::uint32_t retries = Turnstile::kNoLimit;
  std::chrono::milliseconds queue_timeout{0};
  bool adaptive = false;        // `requests` is the most that the limit of requests may be
  bool by_connections = false;  // `requests` is what it is for want of more connections

  bool operator==(const CircuitLimits&) const = default;
  [[nodiscard]] bool any() const;
};
[[nodiscard]] CircuitLimits circuit_limits(const routing::CircuitSpec& spec,
                                           routing::BackendProtocol protocol);

// For want of a connection: nobody's fault.
inline constexpr routing::ProxyError kNoConnection{503, routing::ErrorSide::kDownstream,
                                                   routing::RetryRule::kNever,
                                                   "circuit-max-connections are in use"};

// Holds connections of circuits, and can close those that are idle.
class ConnectionHolder {
 public:
  // On its own loop: others wait for a connection.
  virtual void make_room(Circuit& circuit) = 0;

 protected:
  ~ConnectionHolder() = default;
};

class alignas(64) Circuit {
 public:
  void set(const CircuitLimits& limits);

  // What is under way. How many requests may be is requests.limit(), which `latency` sets where it
  // is on.
  Turnstile requests;
  Turnstile connections;
  AdaptiveLimit latency{requests};

  [[nodiscard]] bool begin_retry();
  void end_retry() { retries_.fetch_sub(1, std::memory_order_relaxed); }

  // A holder must be removed before it dies, and its loop must outlive it.
  void add_holder(net::Loop& loop, ConnectionHolder& holder);
  void remove_holder(const ConnectionHolder& holder);
  // Lets all holders know, whatever they hold.
  void ask_for_room();

  // How many requests may wait, and for how long.
  [[nodiscard]] std::uint32_t max_pending() const {
    return max_pending_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::chrono::milliseconds queue_timeout() const {
    return std::chrono::milliseconds(queue_timeout_ms_.load(std::memory_order_relaxed));
  }
  // Why a request that finds no place and can't wait is refused.
  [[nodiscard]] CircuitRefusal refusal() const;

  [[nodiscard]] std::uint32_t retries() const { return retries_.load(std::memory_order_relaxed); }
  // Nothing is counted: it may become another backend's.
  [[nodiscard]] bool is_unused() const {
    return requests.inside() == 0 && requests.waiting() == 0 && connections.inside() == 0 &&
           connections.waiting() == 0 && retries() == 0;
  }

 private:
  struct Holder {
    net::Loop* loop;
    ConnectionHolder* holder;
  };

  std::atomic<std::uint32_t> retries_ = 0;
  std::atomic<std::uint32_t> max_requests_ = Turnstile::kNoLimit;
  std::atomic<std::uint32_t> max_retries_ = Turnstile::kNoLimit;
  std::atomic<std::uint32_t> max_pending_ = 0;
  std::atomic<std::int64_t> queue_timeout_ms_ = 0;
  std::atomic<bool> by_connections_ = false;
  tls::Mutex mutex_;
  std::vector<Holder> holders_ PORTICO_GUARDED_BY(mutex_);
};

}  // namespace portico::exchange
