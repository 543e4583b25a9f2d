#include "routing/explain.h"

#include <absl/strings/str_cat.h>

#include "routing/match_rank.h"

namespace portico::routing {
namespace {

// "Prefix /api of Ingress shop/web"
std::string describe(const RouteSpec& spec) {
  return absl::StrCat(absl::string_view(to_string(spec.kind).data(), to_string(spec.kind).size()),
                      " ", spec.path, " of ", spec.origin.to_string());
}

std::string describe_default(const RouteSpec& spec) {
  return "the default backend of " + spec.origin.to_string();
}

Hostname hostname_of(const HostRoutes& routes) {
  // The text came from a Hostname, so it parses.
  return *Hostname::parse(routes.host());
}

class Explainer {
 public:
  Explainer(const RouteTable& table, const RouteRequest& request)
      : request_(request), winner_(table.match(request)) {}

  void add(const HostRoutes* routes) {
    if (routes == nullptr) {
      return;
    }
    for (const auto& route : routes->by_rank()) {
      candidates_.push_back(judge(route, *routes));
    }
  }

  void add_default(const Route* route) {
    if (route == nullptr) {
      return;
    }
    const bool wins = winner_.route == route;
    candidates_.push_back(
        {.route = route,
         .verdict = wins ? Verdict::kWins : Verdict::kDefaultRoute,
         .text = describe_default(*route->spec) + (wins ? ": serves it, because no rule matches"
                                                        : ": not asked, because a rule matches")});
  }

  std::vector<Candidate> take() { return std::move(candidates_); }

 private:
  Candidate judge(const Route& route, const HostRoutes& routes) const {
    Candidate candidate{.route = &route, .host = routes.host(), .text = describe(*route.spec)};
    const RulePath path(*route.spec);
    if (&route == winner_.route) {
      candidate.verdict = Verdict::kWins;
      candidate.text += ": serves it";
    } else if (!path.matches(request_.path)) {
      candidate.verdict = Verdict::kOtherPath;
      candidate.text += ": its path does not match";
    } else {
      const RulePath best_path(*winner_.route->spec);
      const MatchRank best(hostname_of(*winner_.owner), best_path, *winner_.route->spec);
      const MatchRank rank(hostname_of(routes), path, *route.spec);
      candidate.verdict = best.same_match(rank) ? Verdict::kShadowed : Verdict::kOutranked;
      candidate.text += ": matches, but " + describe(*winner_.route->spec) +
                        " comes first, because " + std::string(reason(best, rank));
    }
    return candidate;
  }

  RouteRequest request_;
  RouteTable::Match winner_;
  std::vector<Candidate> candidates_;
};

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kWins:
      return "wins";
    case Verdict::kOutranked:
      return "outranked";
    case Verdict::kShadowed:
      return "shadowed";
    case Verdict::kOtherPath:
      return "other path";
    case Verdict::kDefaultRoute:
      return "default route";
  }
  __builtin_unreachable();
}

std::vector<Candidate> explain(const RouteTable& table, const RouteRequest& request) {
  Explainer explainer(table, request);
  const auto levels = table.levels(request.host);
  explainer.add(levels.exact);
  explainer.add(levels.wildcard);
  explainer.add(levels.any);
  explainer.add_default(table.default_route());
  return explainer.take();
}

}  // namespace portico::routing
