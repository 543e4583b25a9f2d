// Hosts and paths to routes: the compiled form of Snapshot::hosts.
//
//   request  a.example.com /api/v1/items
//              |
//   host       exact "a.example.com", then wildcard "*.example.com", then the rules without a host
//              |
//   trie       (root) -> api -> v1 -> items     one step a segment; the deepest candidate that
//   matches wins
//
// A host's rules come before those of a less exact host, but a request that no rule of the exact
// host matches goes on to the next: a rule matches where both its host and its path do (the Ingress
// documentation). After the last comes the default route, then nothing (404).
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/function_ref.h>

#include "routing/canary.h"
#include "routing/host_index.h"
#include "routing/path_trie.h"
#include "routing/snapshot.h"

namespace portico::routing {

// Index of a backend in a Config; stays the same for a key as long as any version holds it.
enum class BackendId : std::uint32_t {};

struct Canary;

// A route as the proxy uses it: match, policy and backend.
struct Route {
  std::shared_ptr<const RouteSpec> spec;  // where it came from, and its policy
  const Policy* policy = nullptr;         // spec->policy
  BackendId backend{};
  bool host_has_certificate = false;
  bool host_ssl_passthrough = false;
  std::unique_ptr<const Canary> canary;  // null: every request goes to the backend
};

// What takes a part of a route's requests: a route of its own, with the same match and policy.
struct Canary {
  const CanaryRule* rule = nullptr;  // of the main route's spec
  Route route;
};

using ResolveBackend = absl::FunctionRef<BackendId(std::string_view key)>;

// With its canary. `host` is whose route it is; null for the default route.
Route compile_route(const std::shared_ptr<const RouteSpec>& spec, ResolveBackend resolve,
                    const HostSpec* host);

// What of a request a rule may look at.
struct RouteRequest {
  std::string_view host;  // from request_host()
  std::string_view path;  // NormalTarget::path()
};

// The routes of one host, immutable: this object, the host's text, the trie and the routes lie in
// one block, so that a match in a cold cache waits for memory two or three times.
class HostRoutes {
 public:
  // `memory` outlives every HostRoutes made in it.
  static std::shared_ptr<const HostRoutes> compile(
      const HostSpec& spec, ResolveBackend resolve,
      std::pmr::memory_resource& memory = *std::pmr::new_delete_resource());
  ~HostRoutes();
  HostRoutes(const HostRoutes&) = delete;
  HostRoutes& operator=(const HostRoutes&) = delete;

  // Objects lie at multiples of this.
  static constexpr std::size_t kAlignment = 64;

  // Hostname::text() of the spec: "a.example.com", "*.example.com", or "" for any host.
  [[nodiscard]] std::string_view host() const { return {host_, host_bytes_}; }

  // What the host asks of its clients' TLS; null: nothing.
  [[nodiscard]] const HostTls* tls() const { return tls_.get(); }

  // The route of the best rank that matches `path`, or null. Allocates nothing; time by path depth.
  [[nodiscard]] const Route* match(std::string_view path) const;

  // Every route, best rank first, shadowed ones too (they lost to an equal match): what explain and
  // check print.
  [[nodiscard]] std::span<const Route> by_rank() const { return {routes_, route_count_}; }

  // Asks for the memory that match() reads, so that one wait covers all of it.
  void prefetch() const;

 private:
  struct Layout;
  HostRoutes(const Layout& layout, std::byte* block, std::string_view host,
             std::pmr::memory_resource& memory);
  static void destroy(const HostRoutes* routes);

  const char* host_;
  PathTrie trie_;
  Route* routes_;
  std::uint32_t host_bytes_;
  std::uint32_t route_count_ = 0;
  std::shared_ptr<const HostTls> tls_;
  std::pmr::memory_resource* memory_;  // from here on, what no match reads
  std::size_t block_bytes_;
};

// All hosts; a version shares the HostRoutes that did not change.
//
// Thread: immutable once shared; any thread may match on it. match() allocates nothing.
class RouteTable {
 public:
  struct Match {
    const Route* route = nullptr;       // null: 404
    const HostRoutes* owner = nullptr;  // whose route it is; null for the default route
    // The most exact host that the request names, whether or not a rule of it matched; may be null.
    const HostRoutes* nearest = nullptr;
  };

  [[nodiscard]] Match match(const RouteRequest& request) const;

  // Building the next version: copy, then change. `host` is routes->host(); anything else is a bug
  // and crashes.
  void set_host(std::string_view host, std::shared_ptr<const HostRoutes> routes);
  void erase_host(std::string_view host);
  void set_default(std::shared_ptr<const Route> route);

  // By Hostname::text(), "*.example.com" and "" too; null where there is none.
  [[nodiscard]] const HostRoutes* host(std::string_view host) const;
  [[nodiscard]] const Route* default_route() const { return default_route_.get(); }
  // For an exchange that outlives its Config: shares ownership of the host, or default route, of a
  // `match` of this version.
  [[nodiscard]] std::shared_ptr<const void> owner_of(const Match& match) const;

  // The rules that a request for `host` may match, the most exact first; null where there are none.
  struct Levels {
    const HostRoutes* exact = nullptr;
    const HostRoutes* wildcard = nullptr;
    const HostRoutes* any = nullptr;
  };
  [[nodiscard]] Levels levels(std::string_view host) const;

 private:
  HostIndex hosts_;
  std::shared_ptr<const HostRoutes> any_host_;
  std::shared_ptr<const Route> default_route_;
};

}  // namespace portico::routing
