#include "proxy/exchange/circuit_pass.h"

#include <utility>

namespace portico::exchange {

CircuitPass::Entry CircuitPass::enter(Circuit* circuit) {
  if (circuit != circuit_) {
    leave();
  }
  if (circuit == nullptr) {
    return Entry::kInside;
  }
  if (circuit_ != nullptr) {
    return in_line() ? Entry::kInLine : Entry::kInside;
  }
  if (circuit->requests.enter()) {
    circuit_ = circuit;
    return Entry::kInside;
  }
  const auto longest = circuit->max_pending();
  turn_ = longest == 0 ? Turnstile::Turn() : circuit->requests.wait(loop_, waiter_, longest);
  if (!turn_) {
    return Entry::kRefused;
  }
  circuit_ = circuit;
  return Entry::kInLine;
}

bool CircuitPass::begin_retry() {
  if (circuit_ == nullptr || retries_) {
    return true;
  }
  retries_ = circuit_->begin_retry();
  return retries_;
}

void CircuitPass::end_retry() {
  if (std::exchange(retries_, false)) {
    circuit_->end_retry();
  }
}

void CircuitPass::tell_latency() {
  const auto now = AdaptiveLimit::Clock::now();
  const auto asked = std::exchange(asked_, {});
  if (circuit_ != nullptr) {
    circuit_->latency.answered(now - asked, now);
  }
}

// The place last: who comes after finds the retry's free as well.
void CircuitPass::leave_circuit() {
  end_retry();
  auto* const circuit = std::exchange(circuit_, nullptr);
  if (in_line()) {
    turn_ = {};
  } else {
    circuit->requests.leave();
  }
}

}  // namespace portico::exchange
