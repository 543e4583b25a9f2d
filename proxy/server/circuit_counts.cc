#include "proxy/server/circuit_counts.h"

namespace portico::server {

void CircuitCounts::count(routing::BackendId backend, exchange::CircuitRefusal refusal) {
  ++at(static_cast<std::size_t>(backend))[static_cast<std::size_t>(refusal)];
}

void CircuitCounts::retire(routing::BackendId backend) {
  if (const auto id = static_cast<std::size_t>(backend); id < refused_.size()) {
    refused_[id] = {};
  }
}

void CircuitCounts::add(const CircuitCounts& other) {
  for (std::size_t id = 0; id < other.refused_.size(); ++id) {
    auto& sums = at(id);
    for (std::size_t reason = 0; reason < sums.size(); ++reason) {
      sums[reason] += other.refused_[id][reason];
    }
  }
}

CircuitCounts::Refusals& CircuitCounts::at(std::size_t backend) {
  if (refused_.size() <= backend) {
    refused_.resize(backend + 1);
  }
  return refused_[backend];
}

}  // namespace portico::server
