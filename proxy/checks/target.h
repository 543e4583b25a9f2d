// What is asked, and how: backends that ask the same of the same address share one check.
#pragma once

#include <memory>
#include <utility>

#include "proxy/exchange/config.h"
#include "proxy/net/socket_address.h"
#include "routing/health_check_spec.h"
#include "routing/snapshot.h"

namespace portico::checks {

struct Target {
  net::SocketAddress address;
  routing::BackendProtocol protocol = routing::BackendProtocol::kHttp1;
  std::shared_ptr<const exchange::UpstreamTls> tls;  // null: plaintext
  routing::HealthCheckSpec spec;

  bool operator==(const Target&) const = default;
  template <class H>
  friend H AbslHashValue(H hash, const Target& target) {
    return H::combine(std::move(hash), target.address, target.tls.get(), target.spec.path);
  }
};

}  // namespace portico::checks
