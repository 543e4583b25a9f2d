#include "routing/explain.h"

#include <gtest/gtest.h>

#include "routing/testing/specs.h"

namespace portico::routing {
namespace {

using testing::host_spec;
using testing::rule;
using enum PathKind;

RouteTable table_of(const std::vector<HostSpec>& specs) {
  RouteTable table;
  for (const auto& spec : specs) {
    table.set_host(spec.host.text(),
                   HostRoutes::compile(spec, [](std::string_view) { return BackendId{0}; }));
  }
  return table;
}

RouteTable sample() {
  auto young = rule(kPrefix, "/api/");
  young.created_unix_seconds = 9;
  young.origin.name = "young";
  auto table = table_of(
      {host_spec("a.foo.com",
                 {rule(kExact, "/x"), rule(kPrefix, "/api"), young, rule(kStringPrefix, "/ap")}),
       host_spec("*.foo.com", {rule(kPrefix, "/api/v1")}), host_spec("", {rule(kPrefix, "/")})});
  const auto spec = std::make_shared<const RouteSpec>(rule(kPrefix, "/"));
  table.set_default(std::make_shared<const Route>(Route{.spec = spec}));
  return table;
}

TEST(Explain, ListsEveryCandidateWithItsVerdict) {
  const auto table = sample();
  const auto candidates = explain(table, {"a.foo.com", "/api/v1"});
  std::vector<std::string> lines;
  for (const auto& candidate : candidates) {
    lines.push_back(std::string(candidate.host) + " [" + std::string(to_string(candidate.verdict)) +
                    "] " + candidate.text);
  }
  const std::string wins = "Prefix /api of Ingress shop/web comes first, because ";
  EXPECT_EQ(lines,
            (std::vector<std::string>{
                "a.foo.com [other path] Exact /x of Ingress shop/web: its path does not match",
                "a.foo.com [wins] Prefix /api of Ingress shop/web: serves it",
                "a.foo.com [shadowed] Prefix /api/ of Ingress shop/young: matches, but " + wins +
                    "its object is older",
                "a.foo.com [outranked] ImplementationSpecific /ap of Ingress shop/web: matches, "
                "but " +
                    wins + "its path is longer",
                "*.foo.com [outranked] Prefix /api/v1 of Ingress shop/web: matches, but " + wins +
                    "its host is more exact",
                " [outranked] Prefix / of Ingress shop/web: matches, but " + wins +
                    "its host is more exact",
                " [default route] the default backend of Ingress shop/web: not asked, because a "
                "rule matches"}));
}

TEST(Explain, TheWinnerIsWhatMatchReturns) {
  const auto table = sample();
  for (const auto* host : {"a.foo.com", "b.foo.com", "c.com"}) {
    for (const auto* path : {"/", "/x", "/api", "/apix", "/api/v1/z"}) {
      const auto match = table.match({host, path});
      int winners = 0;
      for (const auto& candidate : explain(table, {host, path})) {
        if (candidate.verdict == Verdict::kWins) {
          ++winners;
          EXPECT_EQ(candidate.route, match.route) << host << path;
        }
      }
      EXPECT_EQ(winners, 1) << host << path;
    }
  }
}

TEST(Explain, TheDefaultRouteServesWhatNoRuleMatches) {
  auto table = table_of({host_spec("a.com", {rule(kExact, "/x")})});
  const auto spec = std::make_shared<const RouteSpec>(rule(kPrefix, "/"));
  table.set_default(std::make_shared<const Route>(Route{.spec = spec}));
  const auto candidates = explain(table, {"a.com", "/y"});
  ASSERT_EQ(candidates.size(), 2u);
  EXPECT_EQ(candidates[0].verdict, Verdict::kOtherPath);
  EXPECT_EQ(candidates[1].verdict, Verdict::kWins);
}

TEST(Explain, NothingIsConsideredWhereNothingIsConfigured) {
  EXPECT_TRUE(explain(RouteTable(), {"a.com", "/"}).empty());
}

}  // namespace
}  // namespace portico::routing
