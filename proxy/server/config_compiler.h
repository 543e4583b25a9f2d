// Snapshot -> Config, at the cost of what changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "proxy/exchange/config.h"
#include "proxy/exchange/endpoint_health.h"
#include "proxy/exchange/retry_budget.h"
#include "proxy/server/circuits.h"
#include "proxy/server/host_policies.h"
#include "proxy/server/upstream_tls_table.h"
#include "routing/snapshot.h"

namespace portico::server {

// Keeps the identities (BackendId, EndpointId) that outlive a Config, and the last Snapshot and
// Config to compare with.
//
// Thread:    the controller's.
// Lifetime:  longer than every exchange under a Config of its.
class ConfigCompiler {
 public:
  // `self_signed` serves where there is no default certificate.
  // `tls` is what the settings of TLS change.
  explicit ConfigCompiler(std::shared_ptr<const routing::CertificateSpec> self_signed,
                          TlsCompiler tls = TlsCompiler({}, nullptr));

  std::shared_ptr<const exchange::Config> compile(const routing::Snapshot& snapshot);

  // Of the endpoints of every Config compiled here.
  [[nodiscard]] const exchange::EndpointHealthTable& health() const { return health_; }

 private:
  // An address and a way to talk to it. Each namespace has its own, so that what one finds out
  // about an address, by a check that fails, say, is no other's affair: addresses are what people
  // write.
  struct Way {
    std::string namespace_;
    net::SocketAddress address;
    routing::BackendProtocol protocol{};
    const exchange::UpstreamTls* tls = nullptr;  // held by the backends that use it
    bool operator==(const Way&) const = default;
    template <class H>
    friend H AbslHashValue(H hash, const Way& way) {
      return H::combine(std::move(hash), way.namespace_, way.address, way.protocol, way.tls);
    }
  };
  struct Use {
    exchange::EndpointId id{};
    exchange::EndpointHealth* health = nullptr;
    std::uint32_t uses = 0;                             // by backends
    std::uint64_t from = 0;                             // the generation that it came with
    exchange::EndpointHealth::Clock::time_point since;  // as Endpoint's
  };

  void compile_backends(const routing::Snapshot& snapshot);
  void compile_hosts(const routing::Snapshot& snapshot);
  void compile_tls(const routing::Snapshot& snapshot);
  void set_host_policy(const std::string& host, const routing::HostSpec* spec);
  void compile_certificates(const routing::Snapshot& snapshot);
  void compile_settings(const routing::Snapshot& snapshot);
  void set_backend(std::string_view key, const std::shared_ptr<const routing::BackendSpec>& spec,
                   const routing::Settings& settings);
  void erase_backend(std::string_view key);
  void set_circuit(exchange::Backend& backend, routing::BackendId id,
                   const routing::CircuitSpec& by_default);
  void set_circuits(const routing::CircuitSpec& by_default);
  void set_endpoints(exchange::Backend& backend);
  std::vector<exchange::Endpoint> take_endpoints(const routing::BackendSpec& spec,
                                                 const exchange::UpstreamTls* tls);
  // `comers`: which of them came with this generation. They do, where there are others.
  void begin_slowly(const std::string& namespace_, std::vector<exchange::Endpoint>& endpoints,
                    const std::vector<std::size_t>& comers);
  static Way way_to(const std::string& namespace_, const exchange::Endpoint& endpoint);
  void let_go(const std::string& namespace_, const std::vector<exchange::Endpoint>& endpoints);
  void release(std::size_t index);
  void let_go(const exchange::Backend& backend);
  routing::BackendId backend_id(std::string_view key);

  routing::Snapshot snapshot_;
  exchange::Config config_;
  absl::flat_hash_map<std::string, routing::BackendId, routing::StringHash, std::equal_to<>>
      backend_ids_;
  std::vector<routing::BackendId> free_backends_;
  std::uint32_t next_backend_ = 0;
  std::deque<exchange::RetryBudget> retry_budgets_;  // by BackendId
  Circuits circuits_;
  UpstreamTlsTable upstream_tls_;
  absl::flat_hash_map<Way, Use> ways_;
  std::vector<exchange::EndpointId> free_endpoints_;
  std::uint32_t next_endpoint_ = 0;
  exchange::EndpointHealthTable health_;
  TlsCompiler tls_;
  std::vector<std::shared_ptr<const exchange::Backend>> released_;  // by the change being compiled
};

}  // namespace portico::server
