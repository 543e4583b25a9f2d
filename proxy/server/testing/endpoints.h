// Backends whose endpoints fail and recover, for what tells of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "proxy/exchange/config.h"
#include "proxy/exchange/endpoint_health.h"

namespace portico::server::testing {

// Members are public: tests change them. Endpoints have the ports, which are their ids; one that
// several backends have is one.
struct HealthyEndpoints {
  void backend(std::shared_ptr<const routing::BackendSpec> spec,
               const std::vector<std::uint16_t>& ports) {
    auto made = std::make_shared<exchange::Backend>();
    made->spec = std::move(spec);
    for (const auto port : ports) {
      if (!health.contains(port)) {
        health[port] = table.take(exchange::EndpointId{port});
      }
      made->endpoints.push_back({.id = exchange::EndpointId{port},
                                 .address = *net::SocketAddress::from("10.0.0.1", port),
                                 .health = health[port]});
    }
    config.backends.set(config.backends.size(), std::move(made));
  }

  exchange::EndpointHealthTable table;
  std::map<std::uint16_t, exchange::EndpointHealth*> health;
  exchange::Config config;
};

}  // namespace portico::server::testing
