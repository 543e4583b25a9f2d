#include "routing/route_table.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "routing/match_rank.h"

namespace portico::routing {
namespace {

// Covers a host of ten or so paths.
constexpr std::size_t kPrefetchedBytes = 1152;

struct Ranked {
  const RouteSpec* spec;
  const std::shared_ptr<const RouteSpec>* shared;
  RulePath path;
};

std::vector<Ranked> rank(const HostSpec& host) {
  std::vector<Ranked> routes;
  routes.reserve(host.routes.size());
  for (const auto& spec : host.routes) {
    routes.push_back({spec.get(), &spec, RulePath(*spec)});
  }
  std::ranges::sort(routes, [&host](const Ranked& left, const Ranked& right) {
    const auto order = MatchRank(host.host, left.path, *left.spec) <=>
                       MatchRank(host.host, right.path, *right.spec);
    // The place in `host` last, so that equal fields don't make the order random.
    return order != 0 ? order < 0 : left.shared < right.shared;
  });
  return routes;
}

FlatTrie build_trie_of(const std::vector<Ranked>& routes) {
  std::vector<const RulePath*> paths;
  paths.reserve(routes.size());
  for (const auto& route : routes) {
    paths.push_back(&route.path);
  }
  return build_trie(paths);
}

std::size_t align(std::size_t bytes) {
  return (bytes + 7) & ~std::size_t{7};
}

template <class Element>
const Element* copy_to(std::byte* place, const std::vector<Element>& elements) {
  static_assert(std::is_trivially_copyable_v<Element>);
  if (!elements.empty()) {
    std::memcpy(place, elements.data(), elements.size() * sizeof(Element));
  }
  return reinterpret_cast<const Element*>(place);
}

}  // namespace

// Where the parts of the block begin, in the order in which a match reads them.
struct HostRoutes::Layout {
  std::size_t host;
  std::size_t nodes;
  std::size_t edges;
  std::size_t labels;
  std::size_t routes;
  std::size_t total;

  Layout(std::size_t host_bytes, const FlatTrie& trie, std::size_t route_count)
      : host(sizeof(HostRoutes)),
        nodes(align(host + host_bytes)),
        edges(align(nodes + trie.nodes.size() * sizeof(TrieNode))),
        labels(align(edges + trie.edges.size() * sizeof(TrieEdge))),
        routes(align(labels + trie.labels.size())),
        total(routes + route_count * sizeof(Route)) {}
};

HostRoutes::HostRoutes(const Layout& layout, std::byte* block, std::string_view host,
                       std::pmr::memory_resource& memory)
    : host_(reinterpret_cast<const char*>(block + layout.host)),
      routes_(reinterpret_cast<Route*>(block + layout.routes)),
      host_bytes_(static_cast<std::uint32_t>(host.size())),
      memory_(&memory),
      block_bytes_(layout.total) {
  std::memcpy(block + layout.host, host.data(), host.size());
}

HostRoutes::~HostRoutes() {
  std::destroy_n(routes_, route_count_);
}

void HostRoutes::destroy(const HostRoutes* routes) {
  auto* block = const_cast<HostRoutes*>(routes);
  auto* memory = block->memory_;
  const auto bytes = block->block_bytes_;
  block->~HostRoutes();
  memory->deallocate(block, bytes, kAlignment);
}

std::shared_ptr<const HostRoutes> HostRoutes::compile(const HostSpec& spec, ResolveBackend resolve,
                                                      std::pmr::memory_resource& memory) {
  const auto ranked = rank(spec);
  const auto trie = build_trie_of(ranked);
  const auto& host = spec.host.text();
  const Layout layout(host.size(), trie, ranked.size());
  auto* block = static_cast<std::byte*>(memory.allocate(layout.total, kAlignment));
  auto* routes = new (block) HostRoutes(layout, block, host, memory);
  std::shared_ptr<const HostRoutes> owner(routes, &destroy);
  routes->trie_ = {.nodes = copy_to(block + layout.nodes, trie.nodes),
                   .edges = copy_to(block + layout.edges, trie.edges),
                   .labels = copy_to(block + layout.labels, trie.labels)};
  routes->tls_ = spec.tls;
  for (const auto& route : ranked) {
    new (routes->routes_ + routes->route_count_)
        Route(compile_route(*route.shared, resolve, &spec));
    ++routes->route_count_;
  }
  return owner;
}

Route compile_route(const std::shared_ptr<const RouteSpec>& spec, ResolveBackend resolve,
                    const HostSpec* host) {
  const auto compile = [&](const std::shared_ptr<const RouteSpec>& of) {
    return Route{.spec = of,
                 .policy = of->policy.get(),
                 .backend = resolve(of->backend),
                 .host_has_certificate = host != nullptr && host->has_certificate,
                 .host_ssl_passthrough = host != nullptr && host->ssl_passthrough,
                 .canary = nullptr};
  };
  auto route = compile(spec);
  if (const auto& canary = spec->canary; canary != nullptr) {
    route.canary = std::make_unique<const Canary>(
        Canary{.rule = &canary->rule, .route = compile(canary->route)});
  }
  return route;
}

void HostRoutes::prefetch() const {
  for (std::size_t at = 0; at < kPrefetchedBytes; at += kAlignment) {
    __builtin_prefetch(reinterpret_cast<const std::byte*>(this) + at);
  }
}

const Route* HostRoutes::match(std::string_view path) const {
  const auto route = trie_.find(path);
  return route == kNone ? nullptr : routes_ + route;
}

RouteTable::Match RouteTable::match(const RouteRequest& request) const {
  const auto* nearest = hosts_.find_exact(request.host);
  if (nearest != nullptr) {
    if (const auto* route = nearest->match(request.path); route != nullptr) {
      return {.route = route, .owner = nearest, .nearest = nearest};
    }
  }
  const auto* wildcard = hosts_.find_wildcard(wildcard_suffix(request.host));
  if (wildcard != nullptr) {
    nearest = nearest == nullptr ? wildcard : nearest;
    if (const auto* route = wildcard->match(request.path); route != nullptr) {
      return {.route = route, .owner = wildcard, .nearest = nearest};
    }
  }
  if (any_host_ != nullptr) {
    nearest = nearest == nullptr ? any_host_.get() : nearest;
    if (const auto* route = any_host_->match(request.path); route != nullptr) {
      return {.route = route, .owner = any_host_.get(), .nearest = nearest};
    }
  }
  return {.route = default_route_.get(), .nearest = nearest};
}

RouteTable::Levels RouteTable::levels(std::string_view host) const {
  return {.exact = hosts_.find_exact(host),
          .wildcard = hosts_.find_wildcard(wildcard_suffix(host)),
          .any = any_host_.get()};
}

void RouteTable::set_host(std::string_view host, std::shared_ptr<const HostRoutes> routes) {
  if (routes == nullptr || routes->host() != host) {
    std::fprintf(stderr, "RouteTable::set_host: \"%.*s\" is not the host of these routes\n",
                 static_cast<int>(host.size()), host.data());
    std::abort();
  }
  if (host.empty()) {
    any_host_ = std::move(routes);
  } else {
    hosts_.set(std::move(routes));
  }
}

void RouteTable::erase_host(std::string_view host) {
  if (host.empty()) {
    any_host_.reset();
  } else {
    hosts_.erase(host);
  }
}

void RouteTable::set_default(std::shared_ptr<const Route> route) {
  default_route_ = std::move(route);
}

const HostRoutes* RouteTable::host(std::string_view host) const {
  if (host.empty()) {
    return any_host_.get();
  }
  return host.starts_with("*.") ? hosts_.find_wildcard(host.substr(1)) : hosts_.find_exact(host);
}

std::shared_ptr<const void> RouteTable::owner_of(const Match& match) const {
  if (match.owner == nullptr) {
    return default_route_;
  }
  if (match.owner == any_host_.get()) {
    return any_host_;
  }
  return hosts_.share(*match.owner);
}

}  // namespace portico::routing
