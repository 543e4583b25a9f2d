// Names a Kubernetes object in snapshots, diagnostics, logs and metrics.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace portico::routing {

struct ObjectRef {
  std::string kind;  // "Ingress"
  std::string namespace_;
  std::string name;

  // "Ingress shop/web"; of what has no namespace "IngressClass portico"
  [[nodiscard]] std::string to_string() const {
    return kind + " " + (namespace_.empty() ? "" : namespace_ + "/") + name;
  }
  auto operator<=>(const ObjectRef&) const = default;
};

}  // namespace portico::routing
