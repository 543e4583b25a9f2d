// Short ways to write rules in tests and benchmarks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "routing/snapshot.h"

namespace portico::routing::testing {

inline Hostname hostname(std::string_view text) {
  return *Hostname::parse(text);
}

// The path is the backend's name too, so that a test sees which rule won.
inline RouteSpec rule(PathKind kind, const std::string& path) {
  return {.kind = kind,
          .path = path,
          .backend = path,
          .policy = std::make_shared<const Policy>(),
          .origin = {.kind = "Ingress", .namespace_ = "shop", .name = "web"}};
}

inline HostSpec host_spec(std::string_view host, std::vector<RouteSpec> rules) {
  HostSpec spec{.host = hostname(host)};
  for (auto& route : rules) {
    spec.routes.push_back(std::make_shared<const RouteSpec>(std::move(route)));
  }
  return spec;
}

}  // namespace portico::routing::testing
