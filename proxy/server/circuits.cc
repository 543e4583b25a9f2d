#include "proxy/server/circuits.h"

#include <algorithm>
#include <utility>

namespace portico::server {

exchange::Circuit* Circuits::set(routing::BackendId backend, const routing::BackendSpec& spec,
                                 const routing::CircuitSpec& by_default) {
  const auto index = static_cast<std::size_t>(backend);
  const auto limits = exchange::circuit_limits(
      spec.balance == nullptr ? by_default : spec.balance->circuit.or_else(by_default),
      spec.protocol);
  auto* circuit = index < by_backend_.size() ? by_backend_[index] : nullptr;
  if (circuit == nullptr && !limits.any()) {
    return nullptr;
  }
  if (circuit == nullptr) {
    circuit = &take();
    by_backend_.resize(std::max(by_backend_.size(), index + 1));
    by_backend_[index] = circuit;
  }
  circuit->set(limits);  // of a backend without limits too: who waits for it is let in
  return limits.any() ? circuit : nullptr;
}

void Circuits::erase(routing::BackendId backend) {
  const auto index = static_cast<std::size_t>(backend);
  if (index < by_backend_.size() && by_backend_[index] != nullptr) {
    left_.push_back(std::exchange(by_backend_[index], nullptr));
  }
}

exchange::Circuit& Circuits::take() {
  const auto unused = std::ranges::find_if(left_, &exchange::Circuit::is_unused);
  if (unused == left_.end()) {
    return all_.emplace_back();
  }
  auto* const circuit = std::exchange(*unused, left_.back());
  left_.pop_back();
  circuit->set({});  // what it found out about latency was another backend's
  return *circuit;
}

}  // namespace portico::server
