// One generation of what is served, compiled: immutable, shared by all workers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/proxy_header.h"
#include "proxy/net/socket_address.h"
#include "routing/affinity.h"
#include "routing/compression_settings.h"
#include "routing/hash_key.h"
#include "routing/hash_ring.h"
#include "routing/route_table.h"
#include "routing/shared_vector.h"
#include "routing/snapshot.h"
#include "routing/weighted_lots.h"
#include "tls/certificate_store.h"
#include "tls/client_context.h"

namespace portico::tls {
class ServerContext;
struct ServerPolicy;
}  // namespace portico::tls

namespace portico::exchange {

class Circuit;
class RetryBudget;

// Stays the same for an address as long as any generation uses it, so that warm connections survive
// a change.
enum class EndpointId : std::uint32_t {};

class EndpointHealth;

// Whom a connection to an endpoint speaks for: no other client's requests may go over it.
struct Announcement {
  net::ProxyVersion version = net::ProxyVersion::kV1;
  net::SocketAddress client;
  net::SocketAddress destination;  // that the client asked for
};

// How TLS is spoken to endpoints. Equal ones are one object, so that its address is an identity.
struct UpstreamTls : std::enable_shared_from_this<UpstreamTls> {
  std::shared_ptr<const routing::UpstreamTlsSpec> spec;
  std::shared_ptr<const tls::ClientContext> context;
};

// One address, talked to in one way: connections are never shared with another way.
struct Endpoint {
  EndpointId id{};
  net::SocketAddress address;
  routing::BackendProtocol protocol = routing::BackendProtocol::kHttp1;
  // Null: plaintext. Its Backend owns it: who outlives the Config shares it.
  const UpstreamTls* tls = nullptr;
  // Where the connection begins with a PROXY header; lives through acquire() only.
  const Announcement* announcement = nullptr;
  EndpointHealth* health = nullptr;  // outlives every worker; null: nobody judges it
  Circuit* circuit = nullptr;        // as its Backend's: what a connection to it counts in
  std::uint32_t weight = 1;
  // When it came to the endpoints of any backend; the clock's epoch: when the process began.
  std::chrono::steady_clock::time_point since;
};

struct Backend {
  std::shared_ptr<const routing::BackendSpec> spec;
  std::vector<Endpoint> endpoints;  // in the order of spec->endpoints
  // The same by TLS, for requests that came by TLS; empty unless spec->tls_like_client.
  std::vector<Endpoint> tls_endpoints;
  std::shared_ptr<const UpstreamTls> tls;  // null: plaintext
  // Of either list's endpoints; null where neither hashing nor affinity asks for it.
  std::shared_ptr<const routing::HashRing> ring;
  std::shared_ptr<const routing::AffinityTable> affinity;  // null: none is asked for
  routing::HashKey hash_key;                               // empty: nothing is hashed
  RetryBudget* retry_budget = nullptr;                     // outlives every Config; null: no bound
  Circuit* circuit = nullptr;                              // likewise; null: no limits
  // How many of the endpoints, from the first on, are near ones; the others are for want of them.
  std::size_t near_endpoints = 0;
  routing::WeightTable weights;       // of either list's endpoints
  routing::WeightTable near_weights;  // of the near ones, where there are far ones too
};

struct Config {
  std::uint64_t generation = 0;
  std::chrono::steady_clock::time_point compiled;
  routing::RouteTable routes;
  routing::SharedVector<Backend> backends;  // by BackendId; null where an id is free
  std::shared_ptr<const tls::CertificateStore> certificates;
  std::shared_ptr<const tls::ServerContext> tls;  // of names without a policy of their own
  routing::SharedMap<tls::ServerPolicy>
      host_policies;  // by HostRoutes::host(); of those with tls()
  std::shared_ptr<const routing::CompressionSettings> compression;  // null: off
  std::shared_ptr<const routing::Settings> settings = std::make_shared<const routing::Settings>();
  std::string strict_transport_security;  // the field's value; empty: not sent
  std::size_t passthrough_hosts = 0;      // whose TLS is not opened here
  // Went with the change from the generation before: their idle connections and counters go too.
  std::vector<EndpointId> retired_endpoints;
  std::vector<routing::BackendId> retired_backends;
};

}  // namespace portico::exchange
