// A connection's place among those of a backend's circuit.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "proxy/exchange/circuit.h"
#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"

namespace portico::upstream {

// Held by a connection from its connect to its close.
//
// Thread:    its worker's.
class ConnectionPlace {
 public:
  // Counts nowhere.
  ConnectionPlace() = default;
  ConnectionPlace(ConnectionPlace&& other) noexcept
      : circuit_(std::exchange(other.circuit_, nullptr)) {}
  ConnectionPlace& operator=(ConnectionPlace&& other) noexcept {
    leave();
    circuit_ = std::exchange(other.circuit_, nullptr);
    return *this;
  }
  ~ConnectionPlace() { leave(); }

  // None where the circuit is full; `circuit` null: one that counts nowhere.
  static std::optional<ConnectionPlace> take(exchange::Circuit* circuit) {
    if (circuit != nullptr && !circuit->connections.enter()) {
      return std::nullopt;
    }
    return ConnectionPlace(circuit);
  }

  // Null: it counts nowhere.
  [[nodiscard]] exchange::Circuit* circuit() const { return circuit_; }
  // Others wait for one: it must not be kept without need.
  [[nodiscard]] bool is_wanted() const {
    return circuit_ != nullptr && circuit_->connections.has_waiting();
  }

 private:
  friend class ConnectionTurn;
  explicit ConnectionPlace(exchange::Circuit* circuit) : circuit_(circuit) {}
  void leave() {
    if (auto* const circuit = std::exchange(circuit_, nullptr); circuit != nullptr) {
      circuit->connections.leave();
    }
  }

  exchange::Circuit* circuit_ = nullptr;
};

// Waits until a circuit lets one more connection be, and asks all workers to close one that is
// idle.
//
// Thread:    its worker's.
// Lifetime:  destroying it gives up, and nothing is called any more. `done` may destroy it.
// Errors:    none in time: `done` without a place, once, never from inside the constructor; soon
//            where as many wait as may (CircuitLimits::kPending, or as many as may be there).
class ConnectionTurn final : private exchange::Turnstile::Waiter {
 public:
  using Handler = std::move_only_function<void(std::optional<ConnectionPlace>)>;

  ConnectionTurn(net::Loop& loop, exchange::Circuit& circuit, std::chrono::milliseconds timeout,
                 Handler done);

 private:
  void on_turn() override;

  exchange::Circuit& circuit_;
  Handler done_;
  net::Deadline deadline_;
  exchange::Turnstile::Turn turn_;
};

}  // namespace portico::upstream
