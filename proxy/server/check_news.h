// Endpoints that their checks have found ill, or well again, as people and connection pools are
// told.
#pragma once

#include <string>
#include <string_view>

#include <absl/container/flat_hash_set.h>

#include "proxy/checks/check_book.h"
#include "proxy/exchange/config.h"
#include "proxy/server/ejections.h"

namespace portico::server {

// As Ejections: looks at what is, and remembers what it was.
//
// Thread: the controller's.
class CheckNews {
 public:
  // Adds what is new in a Config's endpoints: those that fell ill are as good as ejected.
  void look(const exchange::Config& config, const checks::CheckBook& book, Ejections::News& news);

 private:
  absl::flat_hash_set<exchange::EndpointId> ill_;
};

// Of the backend by this key: "10.0.0.1:80 (status 503), 10.0.0.2:80 (...)"; "" none. Looks for it
// among all.
[[nodiscard]] std::string ill_endpoints(const exchange::Config& config,
                                        const checks::CheckBook& book, std::string_view backend);

}  // namespace portico::server
