// What one request holds of its backend's circuit: its place among those under way, or in line for
// one, and its share of the retries.
//
// Thread:    its exchange's worker.
// Lifetime:  a part of its exchange, used again for the next request after leave(). Whatever it
//            holds goes back when it dies.
#pragma once

#include "proxy/exchange/circuit.h"
#include "proxy/net/loop.h"

namespace portico::exchange {

class CircuitPass {
 public:
  enum class Entry : std::uint8_t {
    kInside,
    kInLine,  // the waiter's on_turn() comes later
    kRefused,
  };

  // `waiter` calls inside() from its on_turn().
  CircuitPass(net::Loop& loop, Turnstile::Waiter& waiter) : loop_(loop), waiter_(waiter) {}
  ~CircuitPass() { leave(); }
  CircuitPass(const CircuitPass&) = delete;
  CircuitPass& operator=(const CircuitPass&) = delete;

  // Another circuit than before, or none (null), gives back what was held of that; the same one
  // changes nothing.
  Entry enter(Circuit* circuit);
  void inside() { turn_ = {}; }

  // False where too many are under way; true where nothing limits them, and for who has begun one.
  [[nodiscard]] bool begin_retry();
  void end_retry();

  // What the latency of a try tells: the endpoint has the whole request; it has begun to answer, or
  // has not in time. Without the one before it the other tells nothing.
  void begin_try() { asked_ = {}; }
  void asked() {
    if (circuit_ != nullptr && circuit_->latency.is_on()) {
      asked_ = AdaptiveLimit::Clock::now();
    }
  }
  void answered() {
    if (asked_ != AdaptiveLimit::Clock::time_point()) {
      tell_latency();
    }
  }

  void leave() {
    if (circuit_ != nullptr) {
      leave_circuit();
    }
  }

  // Null: it holds nothing.
  [[nodiscard]] Circuit* circuit() const { return circuit_; }
  [[nodiscard]] bool in_line() const { return static_cast<bool>(turn_); }

 private:
  void leave_circuit();
  void tell_latency();

  net::Loop& loop_;
  Turnstile::Waiter& waiter_;
  Circuit* circuit_ = nullptr;
  Turnstile::Turn turn_;
  AdaptiveLimit::Clock::time_point asked_;  // of the try; the epoch: not yet, or nobody cares
  bool retries_ = false;
};

}  // namespace portico::exchange
