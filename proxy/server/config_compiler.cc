#include "proxy/server/config_compiler.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "proxy/server/backend_affinity.h"
#include "proxy/server/backend_hashing.h"
#include "proxy/server/route_memory.h"

namespace portico::server {
namespace {

template <class Id>
Id take_id(std::vector<Id>& free, std::uint32_t& next) {
  if (free.empty()) {
    return Id{next++};
  }
  const auto id = free.back();
  free.pop_back();
  return id;
}

// In either list of endpoints; far ones stand behind.
void set_near_endpoints(exchange::Backend& backend) {
  const auto all = std::max(backend.endpoints.size(), backend.tls_endpoints.size());
  const auto far = std::ranges::count_if(backend.spec->endpoints, &routing::EndpointSpec::is_far);
  backend.near_endpoints = all - std::min(all, static_cast<std::size_t>(far));
}

void set_weights(exchange::Backend& backend) {
  const auto& endpoints = backend.endpoints.empty() ? backend.tls_endpoints : backend.endpoints;
  std::vector<std::uint32_t> weights(endpoints.size());
  std::ranges::transform(endpoints, weights.begin(), &exchange::Endpoint::weight);
  backend.weights = routing::WeightTable(weights);
  if (!backend.weights.is_even() && backend.near_endpoints < weights.size()) {
    backend.near_weights = routing::WeightTable(std::span(weights).first(backend.near_endpoints));
  }
}

std::string strict_transport_security(const routing::Settings& settings) {
  if (!settings.hsts) {
    return {};
  }
  return fmt::format("max-age={}{}{}", settings.hsts_max_age_seconds,
                     settings.hsts_include_subdomains ? "; includeSubDomains" : "",
                     settings.hsts_preload ? "; preload" : "");
}

}  // namespace

ConfigCompiler::ConfigCompiler(std::shared_ptr<const routing::CertificateSpec> self_signed,
                               TlsCompiler tls)
    : tls_(std::move(tls)) {
  config_.certificates = std::make_shared<const tls::CertificateStore>(std::move(self_signed));
}

std::shared_ptr<const exchange::Config> ConfigCompiler::compile(const routing::Snapshot& snapshot) {
  // An id is free for another use only in the generation after the one that gave it up.
  for (const auto id : config_.retired_backends) {
    free_backends_.push_back(id);
  }
  for (const auto id : config_.retired_endpoints) {
    free_endpoints_.push_back(id);
  }
  config_.retired_backends.clear();
  config_.retired_endpoints.clear();
  config_.generation = snapshot.generation;
  config_.compiled = std::chrono::steady_clock::now();
  compile_backends(snapshot);
  compile_tls(snapshot);
  compile_hosts(snapshot);
  compile_certificates(snapshot);
  compile_settings(snapshot);
  snapshot_ = snapshot;
  return std::make_shared<const exchange::Config>(config_);
}

void ConfigCompiler::compile_backends(const routing::Snapshot& snapshot) {
  using Pointer = routing::SharedMap<routing::BackendSpec>::Pointer;
  routing::SharedMap<routing::BackendSpec>::diff(
      snapshot_.backends, snapshot.backends,
      [&](const std::string& key, const Pointer*, const Pointer* after) {
        if (after != nullptr) {
          set_backend(key, *after, *snapshot.settings);
        } else {
          erase_backend(key);
        }
      });
  // Last, so that an endpoint that moved from one backend to another keeps its warm connections.
  for (const auto& backend : released_) {
    let_go(*backend);
  }
  released_.clear();
  if (snapshot.settings->circuit != snapshot_.settings->circuit) {
    set_circuits(snapshot.settings->circuit);
  }
}

void ConfigCompiler::set_circuit(exchange::Backend& backend, routing::BackendId id,
                                 const routing::CircuitSpec& by_default) {
  backend.circuit = circuits_.set(id, *backend.spec, by_default);
  for (auto* const endpoints : {&backend.endpoints, &backend.tls_endpoints}) {
    for (auto& endpoint : *endpoints) {
      endpoint.circuit = backend.circuit;
    }
  }
}

// Of every backend, whether or not it has limits of its own; what else a Backend is stays.
void ConfigCompiler::set_circuits(const routing::CircuitSpec& by_default) {
  const auto before = config_.backends;
  before.for_each([&](std::size_t index, const auto& backend) {
    auto next = std::make_shared<exchange::Backend>(*backend);
    set_circuit(*next, routing::BackendId{static_cast<std::uint32_t>(index)}, by_default);
    config_.backends.set(index, std::move(next));
  });
}

void ConfigCompiler::set_backend(std::string_view key,
                                 const std::shared_ptr<const routing::BackendSpec>& spec,
                                 const routing::Settings& settings) {
  const auto id = backend_id(key);
  const auto index = static_cast<std::size_t>(id);
  auto next = std::make_shared<exchange::Backend>();
  next->spec = spec;
  next->retry_budget = &retry_budgets_[index];
  set_endpoints(*next);
  set_circuit(*next, id, settings.circuit);
  set_near_endpoints(*next);
  set_weights(*next);
  compile_hashing(*next, config_.backends.find(index));
  compile_affinity(*next);
  release(index);
  config_.backends.set(index, std::move(next));
}

void ConfigCompiler::erase_backend(std::string_view key) {
  const auto found = backend_ids_.find(key);
  const auto id = found->second;
  release(static_cast<std::size_t>(id));
  config_.backends.erase(static_cast<std::size_t>(id));
  config_.retired_backends.push_back(id);
  circuits_.erase(id);
  backend_ids_.erase(found);
}

void ConfigCompiler::release(std::size_t index) {
  if (const auto* before = config_.backends.find_shared(index); before != nullptr) {
    released_.push_back(*before);
  }
}

void ConfigCompiler::set_endpoints(exchange::Backend& backend) {
  const auto& spec = *backend.spec;
  backend.tls = upstream_tls_.find_or_make(spec.tls, spec.protocol);
  if (spec.tls == nullptr) {
    backend.endpoints = take_endpoints(spec, nullptr);
    return;
  }
  if (spec.tls_like_client) {
    backend.endpoints = take_endpoints(spec, nullptr);
  }
  if (backend.tls == nullptr) {
    return;  // never in plaintext instead
  }
  auto& endpoints = spec.tls_like_client ? backend.tls_endpoints : backend.endpoints;
  endpoints = take_endpoints(spec, backend.tls.get());
}

std::vector<exchange::Endpoint> ConfigCompiler::take_endpoints(const routing::BackendSpec& spec,
                                                               const exchange::UpstreamTls* tls) {
  std::vector<exchange::Endpoint> endpoints;
  endpoints.reserve(spec.endpoints.size());
  std::vector<std::size_t> comers;
  for (const auto& endpoint : spec.endpoints) {
    const auto address = net::SocketAddress::from(endpoint.address, endpoint.port);
    if (!address) {
      continue;
    }
    const auto [entry, added] = ways_.try_emplace({.namespace_ = spec.namespace_,
                                                   .address = *address,
                                                   .protocol = spec.protocol,
                                                   .tls = tls});
    if (added) {
      entry->second.id = take_id(free_endpoints_, next_endpoint_);
      entry->second.health = health_.take(entry->second.id);
      entry->second.from = config_.generation;
    }
    ++entry->second.uses;
    if (entry->second.from == config_.generation) {
      comers.push_back(endpoints.size());
    }
    endpoints.push_back({.id = entry->second.id,
                         .address = *address,
                         .protocol = spec.protocol,
                         .tls = tls,
                         .health = entry->second.health,
                         .weight = endpoint.weight,
                         .since = entry->second.since});
  }
  begin_slowly(spec.namespace_, endpoints, comers);
  return endpoints;
}

void ConfigCompiler::begin_slowly(const std::string& namespace_,
                                  std::vector<exchange::Endpoint>& endpoints,
                                  const std::vector<std::size_t>& comers) {
  if (comers.size() == endpoints.size()) {
    return;  // all are alike
  }
  for (const auto index : comers) {
    auto& endpoint = endpoints[index];
    auto& use = ways_.find(way_to(namespace_, endpoint))->second;
    endpoint.since = use.since = config_.compiled;
  }
}

ConfigCompiler::Way ConfigCompiler::way_to(const std::string& namespace_,
                                           const exchange::Endpoint& endpoint) {
  return {.namespace_ = namespace_,
          .address = endpoint.address,
          .protocol = endpoint.protocol,
          .tls = endpoint.tls};
}

void ConfigCompiler::let_go(const exchange::Backend& backend) {
  let_go(backend.spec->namespace_, backend.endpoints);
  let_go(backend.spec->namespace_, backend.tls_endpoints);
}

void ConfigCompiler::let_go(const std::string& namespace_,
                            const std::vector<exchange::Endpoint>& endpoints) {
  for (const auto& endpoint : endpoints) {
    const auto found = ways_.find(way_to(namespace_, endpoint));
    if (--found->second.uses == 0) {
      config_.retired_endpoints.push_back(found->second.id);
      ways_.erase(found);
    }
  }
}

routing::BackendId ConfigCompiler::backend_id(std::string_view key) {
  if (const auto found = backend_ids_.find(key); found != backend_ids_.end()) {
    return found->second;
  }
  const auto id = take_id(free_backends_, next_backend_);
  backend_ids_.emplace(key, id);
  if (const auto index = static_cast<std::size_t>(id); index < retry_budgets_.size()) {
    retry_budgets_[index].refill();  // another backend's has become this one's
  } else {
    retry_budgets_.resize(index + 1);
  }
  return id;
}

void ConfigCompiler::compile_hosts(const routing::Snapshot& snapshot) {
  using Pointer = routing::SharedMap<routing::HostSpec>::Pointer;
  const auto resolve = [this](std::string_view key) { return backend_id(key); };
  routing::SharedMap<routing::HostSpec>::diff(
      snapshot_.hosts, snapshot.hosts,
      [&](const std::string& host, const Pointer* before, const Pointer* after) {
        config_.passthrough_hosts -= before != nullptr && (*before)->ssl_passthrough ? 1 : 0;
        config_.passthrough_hosts += after != nullptr && (*after)->ssl_passthrough ? 1 : 0;
        set_host_policy(host, after == nullptr ? nullptr : after->get());
        if (after != nullptr) {
          config_.routes.set_host(host,
                                  routing::HostRoutes::compile(**after, resolve, route_memory()));
        } else {
          config_.routes.erase_host(host);
        }
      });
  if (snapshot.default_route == nullptr) {
    config_.routes.set_default(nullptr);
    return;
  }
  config_.routes.set_default(std::make_shared<const routing::Route>(
      routing::compile_route(snapshot.default_route, resolve, nullptr)));
}

// Before the hosts: their policies begin with the settings.
void ConfigCompiler::compile_tls(const routing::Snapshot& snapshot) {
  const auto& settings = *snapshot.settings;
  const auto& before = *snapshot_.settings;
  if (config_.tls != nullptr && settings.tls == before.tls &&
      settings.clients.http2 == before.clients.http2) {
    return;
  }
  config_.tls = tls_.set(settings.tls, settings.clients.http2);
  snapshot.hosts.for_each(
      [this](const std::string& host, const auto& spec) { set_host_policy(host, spec.get()); });
}

void ConfigCompiler::set_host_policy(const std::string& host, const routing::HostSpec* spec) {
  if (spec != nullptr && spec->tls != nullptr) {
    config_.host_policies.set(host, tls_.compile(spec->tls));
  } else {
    config_.host_policies.erase(host);
  }
}

void ConfigCompiler::compile_certificates(const routing::Snapshot& snapshot) {
  using Pointer = routing::SharedMap<routing::CertificateSpec>::Pointer;
  std::shared_ptr<tls::CertificateStore> store;
  const auto own = [&]() -> tls::CertificateStore& {
    if (store == nullptr) {
      store = std::make_shared<tls::CertificateStore>(*config_.certificates);
    }
    return *store;
  };
  routing::SharedMap<routing::CertificateSpec>::diff(
      snapshot_.certificates, snapshot.certificates,
      [&](const std::string& name, const Pointer*, const Pointer* after) {
        if (after != nullptr) {
          own().set(name, *after);
        } else {
          own().erase(name);
        }
      });
  if (snapshot.default_certificate != snapshot_.default_certificate) {
    own().set_default(snapshot.default_certificate);
  }
  if (store != nullptr) {
    config_.certificates = std::move(store);
  }
}

void ConfigCompiler::compile_settings(const routing::Snapshot& snapshot) {
  if (snapshot.settings == config_.settings) {
    return;
  }
  config_.settings = snapshot.settings;
  const auto& compression = snapshot.settings->compression;
  config_.compression = compression.any() ? std::shared_ptr<const routing::CompressionSettings>(
                                                snapshot.settings, &compression)
                                          : nullptr;
  config_.strict_transport_security = strict_transport_security(*snapshot.settings);
}

}  // namespace portico::server
