#include "proxy/server/backend_affinity.h"

#include <string>
#include <vector>

namespace portico::server {

// Cookies know a backend by its Service port, however it is talked to: they survive a change of the
// annotations.
void compile_affinity(exchange::Backend& backend) {
  const auto* balance = backend.spec->balance.get();
  // Both lists, where there are two, have the same addresses in the same order.
  const auto& endpoints = backend.endpoints.empty() ? backend.tls_endpoints : backend.endpoints;
  if (balance == nullptr || !balance->affinity || endpoints.empty()) {
    return;
  }
  const auto name = routing::BackendSpec::name_of(backend.spec->key);
  if (!balance->affinity->persistent) {
    backend.affinity = std::make_shared<const routing::AffinityTable>(name, backend.ring);
    return;
  }
  std::vector<std::string> addresses;
  addresses.reserve(endpoints.size());
  for (const auto& endpoint : endpoints) {
    addresses.push_back(endpoint.address.to_string());
  }
  backend.affinity = std::make_shared<const routing::AffinityTable>(name, addresses);
}

}  // namespace portico::server
