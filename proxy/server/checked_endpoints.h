// The endpoints of a Config, as far as active checks are concerned.
#pragma once

#include <cstddef>

#include "proxy/exchange/config.h"
#include "proxy/exchange/endpoint_health.h"

namespace portico::server {

inline bool is_ill(const exchange::Endpoint& endpoint) {
  return endpoint.health != nullptr && endpoint.health->is_ill();
}

inline bool is_checked(const exchange::Backend& backend) {
  const auto* const balance = backend.spec->balance.get();
  return balance != nullptr && balance->health_check.has_value();
}

template <class Visit>
void for_each_endpoint(const exchange::Backend& backend, Visit visit) {
  for (const auto* endpoints : {&backend.endpoints, &backend.tls_endpoints}) {
    for (const auto& endpoint : *endpoints) {
      visit(endpoint);
    }
  }
}

// visit(backend, endpoint) for those that are checked.
template <class Visit>
void for_each_checked(const exchange::Config& config, Visit visit) {
  config.backends.for_each([&visit](std::size_t /*id*/, const auto& backend) {
    if (is_checked(*backend)) {
      for_each_endpoint(*backend,
                        [&](const exchange::Endpoint& endpoint) { visit(*backend, endpoint); });
    }
  });
}

}  // namespace portico::server
