#include "proxy/exchange/panics.h"

#include <algorithm>

#include "proxy/exchange/endpoint_health.h"

namespace portico::exchange {
namespace {

bool serves(const Endpoint& endpoint) {
  return endpoint.health == nullptr || !endpoint.health->is_out();
}

bool are_too_few(std::span<const Endpoint> endpoints, std::uint8_t percent) {
  const auto serving = static_cast<std::size_t>(std::ranges::count_if(endpoints, serves));
  return serving * 100 < std::size_t{percent} * endpoints.size();
}

Panics::Level level_of(std::span<const Endpoint> endpoints, std::size_t near,
                       std::uint8_t percent) {
  if (are_too_few(endpoints, percent)) {
    return Panics::Level::kAll;
  }
  const bool near_are_too_few =
      near < endpoints.size() && are_too_few(endpoints.first(near), percent);
  return near_are_too_few ? Panics::Level::kNear : Panics::Level::kNone;
}

}  // namespace

Panics::Level Panics::look(routing::BackendId id, const Backend& backend,
                           std::span<const Endpoint> endpoints, std::uint8_t percent) {
  const bool tls = endpoints.data() == backend.tls_endpoints.data();
  const auto index = static_cast<std::size_t>(id) * 2 + (tls ? 1 : 0);
  const auto* health = endpoints.front().health;
  if (health == nullptr) {
    return Level::kNone;  // nobody judges them
  }
  if (seen_.size() <= index) {
    seen_.resize(index + 1);
  }
  auto& seen = seen_[index];
  // Before the count: what happens meanwhile is counted the next time.
  const auto changes = health->changes();
  if (seen.endpoints != endpoints.data() || seen.changes != changes) {
    seen = {.endpoints = endpoints.data(),
            .changes = changes,
            .level = level_of(endpoints, backend.near_endpoints, percent)};
  }
  return seen.level;
}

}  // namespace portico::exchange
