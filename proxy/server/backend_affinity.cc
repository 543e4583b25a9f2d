#include "proxy/server/backend_affinity.h"

#include "proxy/server/backend_hashing.h"

namespace portico::server {

// Cookies know a backend by its Service port, however it is talked to: they survive a change of the
// annotations.
void compile_affinity(exchange::Backend& backend) {
  const auto* balance = backend.spec->balance.get();
  const bool has_none = backend.endpoints.empty() && backend.tls_endpoints.empty();
  if (balance == nullptr || !balance->affinity || has_none) {
    return;
  }
  const auto name = routing::BackendSpec::name_of(backend.spec->key);
  backend.affinity = balance->affinity->persistent
                         ? std::make_shared<const routing::AffinityTable>(
                               name, endpoint_names(backend), backend.ring)
                         : std::make_shared<const routing::AffinityTable>(name, backend.ring);
}

}  // namespace portico::server
