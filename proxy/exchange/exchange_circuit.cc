// An exchange before a backend that has all it may bear: it waits in line, or is refused. The
// phases are in exchange.cc.
#include <algorithm>
#include <utility>

#include "proxy/exchange/exchange.h"

namespace portico::exchange {

// False where it waits, or was refused. From its first try on it stays where it is: one that is
// under way when limits come, or others do, is not held up between two tries.
bool Exchange::enter_circuit(const Backend& backend) {
  if (attempts_ > 0) {
    return true;
  }
  switch (circuit_pass_.enter(backend.circuit)) {
    case CircuitPass::Entry::kInside:
      return true;
    case CircuitPass::Entry::kInLine:
      wait_in_line();
      return false;
    case CircuitPass::Entry::kRefused:
      refuse_overloaded(backend.circuit->refusal());
      return false;
  }
  std::unreachable();
}

// Nothing of a body is read meanwhile, so that the client's own deadline for it does not run.
// Whoever was in line before the configuration changed waits no longer for that.
void Exchange::wait_in_line() {
  phase_ = Phase::kQueued;
  hurried_ = false;
  const auto now = context_.loop.now();
  if (queued_until_ == std::chrono::steady_clock::time_point()) {
    queued_until_ = now + circuit_pass_.circuit()->queue_timeout();
  }
  deadline_.arm(std::max(std::chrono::milliseconds(0),
                         std::chrono::ceil<std::chrono::milliseconds>(queued_until_ - now)));
}

void Exchange::on_turn() {
  circuit_pass_.inside();
  deadline_.cancel();
  phase_ = Phase::kDeciding;
  if (config_ != context_.config) {
    decide_anew();
  } else {
    pick_endpoint();
  }
  if (upstream_ != nullptr) {
    upstream_->flush();
  }
}

void Exchange::on_queue_deadline() {
  if (context_.pressure == Pressure::kCritical) {
    answer(503, kShedForMemory);
    return;
  }
  if (config_ != context_.config) {
    phase_ = Phase::kDeciding;
    decide_anew();
    if (upstream_ != nullptr) {
      upstream_->flush();
    }
    return;
  }
  if (hurried_) {
    wait_in_line();  // memory was short, and is no more
    return;
  }
  refuse_overloaded(CircuitRefusal::kQueueTimeout);
}

// Nothing was sent, so what holds now holds for it too. Where that leads to the same circuit, it
// keeps its place there.
void Exchange::decide_anew() {
  match_ = {};  // both lead to what may be freed from here on, and route() need not find others
  route_ = nullptr;
  config_ = context_.config;
  route();
}

void Exchange::refuse_overloaded(CircuitRefusal refusal) {
  circuit_refusal_ = refusal;
  answer(503, reason_of(refusal));
}

void Exchange::on_memory_critical() {
  if (phase_ == Phase::kQueued) {
    hurried_ = true;
    deadline_.arm(std::chrono::milliseconds(0));
  }
}

// One that waits for its turn is likely to be gone altogether, and where it is not it has not lost
// much. Who is being served may still read.
void Exchange::on_client_half_closed() {
  if (phase_ == Phase::kQueued) {
    on_client_error({.status = 0,
                     .side = routing::ErrorSide::kDownstream,
                     .reason = "client closed while its request waited in line"});
  }
}

}  // namespace portico::exchange
