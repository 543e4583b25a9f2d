#include "proxy/exchange/balancers.h"

namespace portico::exchange {
namespace {

constexpr std::uint32_t kSeedStep = 0x9E3779B9;  // spreads the backends' first endpoints

}  // namespace

std::uint32_t Balancers::seed_of(std::size_t backend) const {
  return seed_ + static_cast<std::uint32_t>(backend) * kSeedStep;
}

routing::RoundRobin& Balancers::turns(routing::BackendId backend, bool tls) {
  const auto index = static_cast<std::size_t>(backend);
  while (turns_.size() <= index) {
    const auto seed = seed_of(turns_.size());
    turns_.push_back({.plain = routing::RoundRobin(seed), .tls = routing::RoundRobin(seed)});
  }
  return tls ? turns_[index].tls : turns_[index].plain;
}

routing::WeightedTurns& Balancers::turns_by_weight(routing::BackendId id, const Backend& backend,
                                                   std::span<const Endpoint> endpoints) {
  const auto index = static_cast<std::size_t>(id);
  if (turns_by_weight_.size() <= index) {
    turns_by_weight_.resize(index + 1);
  }
  const bool tls = endpoints.data() == backend.tls_endpoints.data();
  const auto all = tls ? backend.tls_endpoints.size() : backend.endpoints.size();
  auto& turns = turns_by_weight_[index][(tls ? 2U : 0U) + (endpoints.size() < all ? 1U : 0U)];
  if (turns == nullptr) {
    turns = std::make_unique<routing::WeightedTurns>(seed_of(index));
  }
  return *turns;
}

Balancers::Slot& Balancers::slot(EndpointId endpoint) {
  const auto index = static_cast<std::size_t>(endpoint);
  if (slots_.size() <= index) {
    slots_.resize(index + 1);
  }
  return slots_[index];
}

void Balancers::forget(EndpointId endpoint) {
  if (const auto index = static_cast<std::size_t>(endpoint); index < slots_.size()) {
    slots_[index] = {.load = {}, .life = slots_[index].life + 1};
  }
}

}  // namespace portico::exchange
