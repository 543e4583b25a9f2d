#include "proxy/exchange/balancers.h"

namespace portico::exchange {
namespace {

constexpr std::uint32_t kSeedStep = 0x9E3779B9;  // spreads the backends' first endpoints

}  // namespace

routing::RoundRobin& Balancers::turns(routing::BackendId backend, bool tls) {
  const auto index = static_cast<std::size_t>(backend);
  while (turns_.size() <= index) {
    const auto seed = seed_ + static_cast<std::uint32_t>(turns_.size()) * kSeedStep;
    turns_.push_back({.plain = routing::RoundRobin(seed), .tls = routing::RoundRobin(seed)});
  }
  return tls ? turns_[index].tls : turns_[index].plain;
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
