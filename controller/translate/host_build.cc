#include "controller/translate/host_build.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "routing/match_rank.h"
#include "routing/rule_path.h"

namespace portico::translate {
namespace {

using routing::RouteSpec;

// A path that would be the open door: on a host that is guarded as a whole, or guarded otherwise
// than the host can be.
RoutePointer denied(const RoutePointer& route, const std::string& because) {
  if (!route->policy->denied_because.empty()) {
    return route;
  }
  auto policy = *route->policy;
  policy.denied_because = because;
  auto closed = std::make_shared<RouteSpec>(*route);
  closed->policy = std::make_shared<const routing::Policy>(std::move(policy));
  return closed;
}

std::string host_guard(std::span<const IngressRecord* const> records) {
  for (const auto* record : records) {
    if (!record->host_denied_because.empty()) {
      return fmt::format("{} (of {})", record->host_denied_because, record->ref.to_string());
    }
  }
  return {};
}

struct Ranked {
  routing::RulePath path;
  const RouteSpec* spec;
  const IngressRecord* record;
};

// Equal matches: only the first by rank can ever serve.
void report_shadowed(const routing::Hostname& host, const std::vector<Ranked>& ranked,
                     routing::Diagnostics& diagnostics) {
  std::vector<routing::MatchRank> ranks;
  std::vector<std::size_t> order(ranked.size());
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    ranks.emplace_back(host, ranked[i].path, *ranked[i].spec);
    order[i] = i;
  }
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return ranks[a] < ranks[b]; });
  for (std::size_t i = 1, winner = 0; i < order.size(); ++i) {
    const auto& first = ranks[order[winner]];
    const auto& second = ranks[order[i]];
    if (!first.same_match(second)) {
      winner = i;
      continue;
    }
    const auto& served = *ranked[order[winner]].spec;
    const auto& loser = ranked[order[i]];
    diagnostics.push_back(
        about(*loser.record, routing::Severity::kError, loser.spec->field + ".path",
              fmt::format("host \"{}\" with {} path \"{}\" is already served by {} ({}): {}",
                          host.text(), routing::to_string(loser.spec->kind), loser.spec->path,
                          served.origin.to_string(), served.field, routing::reason(first, second)),
              "remove one of the two"));
  }
}

}  // namespace

BuiltHost build_host(const std::string& host, bool has_certificate,
                     std::span<const IngressRecord* const> unordered) {
  std::vector<const IngressRecord*> records(unordered.begin(), unordered.end());
  std::ranges::sort(records, [](const auto* a, const auto* b) { return a->precedes(*b); });
  BuiltHost built;
  built.spec.host = *routing::Hostname::parse(host);
  built.spec.has_certificate = has_certificate;
  const auto guard = host_guard(records);
  std::vector<Ranked> ranked;
  for (const auto* record : records) {
    for (const auto& route : *record->routes_of(host)) {
      built.spec.routes.push_back(guard.empty() ? route : denied(route, guard));
      ranked.push_back({routing::RulePath(*route), route.get(), record});
    }
  }
  report_shadowed(built.spec.host, ranked, built.diagnostics);
  return built;
}

void deny_rules(routing::HostSpec& spec, const IngressRecord& record, const std::string& because) {
  for (auto& route : spec.routes) {
    if (route->origin == record.ref) {
      route = denied(route, because);
    }
  }
}

bool same_host(const routing::HostSpec& a, const routing::HostSpec& b) {
  const bool same_tls =
      a.tls == b.tls || (a.tls != nullptr && b.tls != nullptr && *a.tls == *b.tls);
  return a.host == b.host && a.has_certificate == b.has_certificate &&
         a.ssl_passthrough == b.ssl_passthrough && same_tls &&
         std::ranges::equal(a.routes, b.routes, [](const auto& left, const auto& right) {
           return left == right || same_route(*left, *right);
         });
}

}  // namespace portico::translate
