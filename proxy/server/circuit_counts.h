// How often circuits did not let something be done, by backend and reason.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "proxy/exchange/circuit_refusal.h"
#include "routing/route_table.h"

namespace portico::server {

// Thread: the worker's; copies are values.
class CircuitCounts {
 public:
  using Refusals = std::array<std::uint64_t, exchange::kCircuitRefusals>;  // by CircuitRefusal

  void count(routing::BackendId backend, exchange::CircuitRefusal refusal);
  void retire(routing::BackendId backend);
  void add(const CircuitCounts& other);

  [[nodiscard]] Refusals of(std::size_t backend) const {
    return backend < refused_.size() ? refused_[backend] : Refusals{};
  }

 private:
  Refusals& at(std::size_t backend);

  std::vector<Refusals> refused_;  // by BackendId
};

}  // namespace portico::server
