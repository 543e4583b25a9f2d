#include "proxy/server/backend_hashing.h"

#include <algorithm>
#include <functional>
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
  const auto is_same = [](const Endpoint& a, const Endpoint& b) {
    return a.address == b.address && a.weight == b.weight;
  };
  return before.ring != nullptr &&
         std::ranges::equal(endpoints_of(before), endpoints_of(backend), is_same);
}

std::shared_ptr<const routing::HashRing> make_ring(const Backend& backend, const Backend* before) {
  std::vector<std::uint32_t> weights;
  weights.reserve(endpoints_of(backend).size());
  for (const auto& endpoint : endpoints_of(backend)) {
    weights.push_back(endpoint.weight);
  }
  return std::make_shared<const routing::HashRing>(
      endpoint_names(backend), weights, before == nullptr ? nullptr : before->ring.get());
}

bool have_same_weight(const std::vector<Endpoint>& endpoints) {
  return std::ranges::adjacent_find(endpoints, std::ranges::not_equal_to(), &Endpoint::weight) ==
         endpoints.end();
}

// Persistent sessions hold by themselves; but where weights differ, new ones are drawn by it.
bool wants_ring(const Backend& backend) {
  const auto& affinity = backend.spec->balance->affinity;
  if (!affinity) {
    return !backend.hash_key.pieces().empty();
  }
  return !affinity->persistent || !have_same_weight(endpoints_of(backend));
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
  if (!wants_ring(backend) || endpoints_of(backend).empty()) {
    return;
  }
  backend.ring = before != nullptr && has_ring_for(*before, backend) ? before->ring
                                                                     : make_ring(backend, before);
}

}  // namespace portico::server
