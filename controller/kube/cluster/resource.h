// What is asked of the API server: a kind, in all namespaces or in one, perhaps by a selector.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "controller/kube/objects.h"

namespace portico::kube {

// A kind as the API server names it.
struct ResourceKind {
  std::string_view api_path;  // "/apis/networking.k8s.io/v1"
  std::string_view plural;    // "ingresses", as RBAC names it
  std::string_view group;     // "networking.k8s.io"; "" the core's
  bool namespaced = true;
};

// `kind` is an index into Object.
const ResourceKind& resource_kind(std::size_t kind);

// The objects of a kind that one list and its watch give.
struct ResourceQuery {
  std::size_t kind = 0;
  std::string namespace_;  // "" all
  std::string field_selector;
  std::string label_selector;

  // A page: `limit` 0 asks for everything at once; `token` is what the page before ended in.
  [[nodiscard]] std::string list_target(std::size_t limit, std::string_view token) const;
  [[nodiscard]] std::string watch_target(std::string_view version,
                                         std::chrono::seconds timeout) const;
  // "secrets in namespace shop", for messages.
  [[nodiscard]] std::string to_string() const;

  bool operator==(const ResourceQuery&) const = default;
};

}  // namespace portico::kube
