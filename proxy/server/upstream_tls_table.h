// How TLS is spoken to backends, compiled: equal settings share one context.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <absl/container/flat_hash_map.h>

#include "proxy/exchange/config.h"
#include "routing/snapshot.h"

namespace portico::server {

// Thread: the controller's.
class UpstreamTlsTable {
 public:
  // Null where TLS can't be had so: the translator has said why.
  std::shared_ptr<const exchange::UpstreamTls> find_or_make(
      const std::shared_ptr<const routing::UpstreamTlsSpec>& spec,
      routing::BackendProtocol protocol);

 private:
  void forget_unused();

  absl::flat_hash_map<std::string, std::weak_ptr<const exchange::UpstreamTls>> made_;
  std::size_t forget_at_ = 64;
};

}  // namespace portico::server
