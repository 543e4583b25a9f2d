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

  net::Loop& loop_;
  Turnstile::Waiter& waiter_;
  Circuit* circuit_ = nullptr;
  Turnstile::Turn turn_;
  bool retries_ = false;
};

}  // namespace portico::exchange
