// One generation of what is served, compiled: immutable, shared by all workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/socket_address.h"
#include "routing/compression_settings.h"
#include "routing/route_table.h"
#include "routing/shared_vector.h"
#include "routing/snapshot.h"
#include "tls/certificate_store.h"

namespace portico::tls {
class ServerContext;
struct ServerPolicy;
}  // namespace portico::tls

namespace portico::exchange {

// Stays the same for an address as long as any generation uses it, so that warm connections survive
// a change.
enum class EndpointId : std::uint32_t {};

struct Endpoint {
  EndpointId id{};
  net::SocketAddress address;
};

struct Backend {
  std::shared_ptr<const routing::BackendSpec> spec;
  std::vector<Endpoint> endpoints;  // in the order of spec->endpoints
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
