// Configs for tests, by hand.
#pragma once

#include <cassert>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/exchange/config.h"
#include "proxy/exchange/endpoint_health.h"

namespace portico::exchange::testing {

class ConfigBuilder {
 public:
  // Of the backends that are named from now on.
  ConfigBuilder& retry_budget(RetryBudget& budget) {
    retry_budget_ = &budget;
    return *this;
  }
  // The same.
  ConfigBuilder& health(EndpointHealthTable& health) {
    health_ = &health;
    return *this;
  }
  // The same; null: no limits.
  ConfigBuilder& circuit(Circuit* circuit) {
    circuit_ = circuit;
    return *this;
  }
  // The same: balanced.
  ConfigBuilder& affinity(const routing::AffinitySpec& spec) {
    balance_ = std::make_shared<const routing::BalanceSpec>(routing::BalanceSpec{.affinity = spec});
    return *this;
  }
  // `ports` are those of endpoints at 127.0.0.1.
  ConfigBuilder& backend(const std::string& key, std::initializer_list<std::uint16_t> ports,
                         std::string missing_because = {}) {
    auto spec = std::make_shared<routing::BackendSpec>();
    spec->key = key;
    spec->balance = balance_;
    spec->missing_because = std::move(missing_because);
    auto backend = std::make_shared<Backend>();
    for (const auto port : ports) {
      spec->endpoints.push_back({.address = "127.0.0.1", .port = port});
      backend->endpoints.push_back(
          {.id = EndpointId{port},
           .address = *net::SocketAddress::from("127.0.0.1", port),
           .health = health_ == nullptr ? nullptr : health_->take(EndpointId{port}),
           .circuit = circuit_});
    }
    if (balance_ != nullptr) {
      std::vector<std::string> names;
      for (const auto& endpoint : backend->endpoints) {
        names.push_back(endpoint.address.to_string());
      }
      backend->ring = std::make_shared<const routing::HashRing>(names);
      backend->affinity = std::make_shared<const routing::AffinityTable>(key, backend->ring);
    }
    backend->spec = std::move(spec);
    backend->retry_budget = retry_budget_;
    backend->circuit = circuit_;
    const auto id = backends_.size();
    backends_[key] = routing::BackendId{static_cast<std::uint32_t>(id)};
    config_->backends.set(id, std::move(backend));
    return *this;
  }

  ConfigBuilder& route(const std::string& host, const std::string& path, const std::string& backend,
                       routing::Policy policy = {}) {
    auto spec = std::make_shared<routing::RouteSpec>();
    spec->path = path;
    spec->backend = backend;
    spec->policy = std::make_shared<const routing::Policy>(std::move(policy));
    spec->origin = {.namespace_ = "default", .name = "shop"};
    auto& of_host = hosts_[host];
    of_host.host = *routing::Hostname::parse(host);
    of_host.routes.push_back(std::move(spec));
    return *this;
  }
  // Takes a part of the requests of the route that was named last.
  ConfigBuilder& canary(const std::string& host, routing::CanaryRule rule,
                        const std::string& backend) {
    auto& main = hosts_[host].routes.back();
    auto spec = std::make_shared<routing::RouteSpec>(*main);
    spec->backend = backend;
    auto with = std::make_shared<routing::RouteSpec>(*main);
    with->canary = std::make_shared<const routing::CanarySpec>(
        routing::CanarySpec{.rule = std::move(rule), .route = std::move(spec)});
    main = std::move(with);
    return *this;
  }
  ConfigBuilder& certificate(const std::string& host) {
    hosts_[host].has_certificate = true;
    return *this;
  }

  std::shared_ptr<const Config> build(std::uint64_t generation = 1) {
    config_->generation = generation;
    for (const auto& [name, spec] : hosts_) {
      config_->routes.set_host(
          name, routing::HostRoutes::compile(
                    spec, [this](std::string_view key) { return backends_.at(std::string(key)); }));
    }
    return std::exchange(config_, nullptr);
  }

 private:
  std::shared_ptr<Config> config_ = std::make_shared<Config>();
  RetryBudget* retry_budget_ = nullptr;
  EndpointHealthTable* health_ = nullptr;
  Circuit* circuit_ = nullptr;
  std::shared_ptr<const routing::BalanceSpec> balance_;
  std::map<std::string, routing::HostSpec> hosts_;
  std::map<std::string, routing::BackendId> backends_;
};

}  // namespace portico::exchange::testing
