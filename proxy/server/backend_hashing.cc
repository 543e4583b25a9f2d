#include "proxy/server/backend_hashing.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace portico::server {
namespace {

using exchange::Backend;
using exchange::Endpoint;

const std::vector<Endpoint>& endpoints_of(const Backend& backend) {
  return backend.endpoints.empty() ? backend.tls_endpoints : backend.endpoints;
}

bool has_ring_for(const Backend& before, const Backend& backend) {
  return before.ring != nullptr && std::ranges::equal(endpoints_of(before), endpoints_of(backend),
                                                      {}, &Endpoint::address, &Endpoint::address);
}

std::shared_ptr<const routing::HashRing> make_ring(const Backend& backend) {
  if (endpoints_of(backend).size() == 1) {
    static const auto kOfOne =
        std::make_shared<const routing::HashRing>(std::vector<std::string>{"the only one"});
    return kOfOne;
  }
  return std::make_shared<const routing::HashRing>(endpoint_names(backend));
}

}  // namespace

std::vector<std::string> endpoint_names(const Backend& backend) {
  std::vector<std::string> names;
  names.reserve(endpoints_of(backend).size());
  for (const auto& endpoint : endpoints_of(backend)) {
    names.push_back(endpoint.address.to_string());
  }
  return names;
}

void compile_hashing(Backend& backend, const Backend* before) {
  const auto* balance = backend.spec->balance.get();
  if (balance == nullptr) {
    return;
  }
  if (auto key = routing::HashKey::parse(balance->hash_by)) {
    backend.hash_key = std::move(*key);
  }
  const bool is_asked_for =
      balance->affinity ? !balance->affinity->persistent : !backend.hash_key.pieces().empty();
  if (!is_asked_for || endpoints_of(backend).empty()) {
    return;
  }
  backend.ring =
      before != nullptr && has_ring_for(*before, backend) ? before->ring : make_ring(backend);
}

}  // namespace portico::server
