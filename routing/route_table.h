// Hosts and paths to routes: the compiled form of Snapshot::hosts.
//
//   request  a.example.com /api/v1/items
//              |
//   host       exact "a.example.com", then wildcard "*.example.com", then the rules without a host
//              |
//   trie       (root) -> api -> v1 -> items     one step a segment; the deepest candidate that matches wins
//
// A host's rules come before those of a less exact host, but a request that no rule of the exact host matches goes on
// to the next: a rule matches where both its host and its path do (the Ingress documentation). After the last comes
// the default route, then nothing (404).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/function_ref.h>

#include "routing/shared_map.h"
#include "routing/snapshot.h"

namespace portico::routing {

// Index of a backend in a Config; stays the same for a key as long as any version holds it.
enum class BackendId : std::uint32_t {};

// A route as the proxy uses it: match, policy and backend.
struct Route {
  std::shared_ptr<const RouteSpec> spec;  // where it came from, and its policy
  const Policy* policy = nullptr;         // spec->policy
  BackendId backend{};
  bool host_has_certificate = false;
};

// What of a request a rule may look at.
struct RouteRequest {
  std::string_view host;  // from request_host()
  std::string_view path;  // NormalTarget::path()
};

// The routes of one host, immutable, in one trie.
class HostRoutes {
 public:
  using ResolveBackend = absl::FunctionRef<BackendId(std::string_view key)>;

  static std::shared_ptr<const HostRoutes> compile(const HostSpec& spec, ResolveBackend resolve);
  ~HostRoutes();

  // The route of the best rank that matches `path`, or null. Allocates nothing; time by path depth.
  [[nodiscard]] const Route* match(std::string_view path) const;

  // Every route, best rank first, shadowed ones too (they lost to an equal match): what explain and check print.
  [[nodiscard]] std::span<const Route> by_rank() const;

 private:
  // the representation is the implementer's
};

// All hosts; a version shares the HostRoutes that did not change.
//
// Thread: immutable once shared; any thread may match on it. match() allocates nothing.
class RouteTable {
 public:
  struct Match {
    const Route* route = nullptr;         // null: 404
    const HostRoutes* owner = nullptr;    // whose route it is; null for the default route
  };

  [[nodiscard]] Match match(const RouteRequest& request) const;

  // Building the next version: copy, then change.
  void set_host(std::string_view host, std::shared_ptr<const HostRoutes> routes);
  void erase_host(std::string_view host);
  void set_default(std::shared_ptr<const Route> route);

  [[nodiscard]] const HostRoutes* host(std::string_view host) const;
  // For an exchange that outlives its Config: shares ownership of `match`'s host.
  [[nodiscard]] std::shared_ptr<const void> owner_of(const Match& match, std::string_view host) const;
};

}  // namespace portico::routing
