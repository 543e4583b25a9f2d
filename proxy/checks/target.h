// What is asked, and how: backends of a namespace that ask the same of the same address share one
// check.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "proxy/exchange/config.h"
#include "proxy/net/socket_address.h"
#include "routing/health_check_spec.h"
#include "routing/snapshot.h"

namespace portico::checks {

struct Target {
  std::string namespace_;  // of the backends that ask
  net::SocketAddress address;
  routing::BackendProtocol protocol = routing::BackendProtocol::kHttp1;
  std::shared_ptr<const exchange::UpstreamTls> tls;  // null: plaintext
  routing::HealthCheckSpec spec;

  bool operator==(const Target&) const = default;
  template <class H>
  friend H AbslHashValue(H hash, const Target& target) {
    return H::combine(std::move(hash), target.namespace_, target.address, target.tls.get(),
                      target.spec.path);
  }
};

}  // namespace portico::checks
