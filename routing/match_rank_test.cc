#include "routing/match_rank.h"

#include <gtest/gtest.h>

#include "routing/testing/specs.h"

namespace portico::routing {
namespace {

using testing::hostname;
using testing::rule;
using enum PathKind;

struct Ranked {
  Ranked(std::string_view host_text, RouteSpec route)
      : host(hostname(host_text)), spec(std::move(route)), path(spec), rank(host, path, spec) {}
  Hostname host;
  RouteSpec spec;
  RulePath path;
  MatchRank rank;
};

RouteSpec with(RouteSpec spec, std::int64_t created, std::string namespace_, std::string name,
               std::string field) {
  spec.created_unix_seconds = created;
  spec.origin.namespace_ = std::move(namespace_);
  spec.origin.name = std::move(name);
  spec.field = std::move(field);
  return spec;
}

TEST(MatchRank, IsDecidedInThisOrder) {
  const auto base = with(rule(kPrefix, "/aa"), 5, "n", "n", "paths[5]");
  struct Row {
    const char* why;
    Ranked winner;
    Ranked loser;
  };
  const Row rows[] = {
      {"its host is more exact",
       {"a.com", with(rule(kStringPrefix, "/"), 9, "z", "z", "p[9]")},
       {"*.com", base}},
      {"its host is more exact", {"*.com", base}, {"", base}},
      {"it is Exact", {"a.com", with(rule(kExact, "/"), 9, "z", "z", "p[9]")}, {"a.com", base}},
      {"its path is longer",
       {"a.com", with(rule(kStringPrefix, "/aaaa"), 9, "z", "z", "p[9]")},
       {"a.com", base}},
      {"Prefix comes before ImplementationSpecific",
       {"a.com", with(rule(kPrefix, "/aa"), 9, "z", "z", "p[9]")},
       {"a.com", with(rule(kStringPrefix, "/aa/"), 1, "a", "a", "p[0]")}},
      {"its object is older",
       {"a.com", with(rule(kPrefix, "/aa/"), 4, "z", "z", "p[9]")},
       {"a.com", base}},
      {"its object's namespace and name come first",
       {"a.com", with(rule(kPrefix, "/aa"), 5, "m", "z", "p[9]")},
       {"a.com", base}},
      {"its object's namespace and name come first",
       {"a.com", with(rule(kPrefix, "/aa"), 5, "n", "m", "p[9]")},
       {"a.com", base}},
      {"it comes first in its object",
       {"a.com", base},
       {"a.com", with(rule(kPrefix, "/aa"), 5, "n", "n", "paths[10]")}},
  };
  for (const auto& row : rows) {
    EXPECT_LT(row.winner.rank, row.loser.rank) << row.why;
    EXPECT_GT(row.loser.rank, row.winner.rank) << row.why;
    EXPECT_EQ(reason(row.winner.rank, row.loser.rank), row.why);
  }
}

TEST(MatchRank, SameMatchIsAboutHostAndPathOnly) {
  const Ranked one("a.com", with(rule(kPrefix, "/aa"), 1, "a", "a", ""));
  const Ranked same("a.com", with(rule(kPrefix, "//aa/"), 2, "b", "b", "x"));
  const Ranked other_kind("a.com", rule(kExact, "/aa/"));
  EXPECT_TRUE(one.rank.same_match(same.rank));
  EXPECT_FALSE(one.rank.same_match(other_kind.rank));
}

TEST(FieldOrder, ComparesNumbersAsNumbers) {
  const auto less = [](std::string_view left, std::string_view right) {
    return MatchRank::FieldOrder{left} < MatchRank::FieldOrder{right};
  };
  EXPECT_TRUE(less("rules[0].paths[2]", "rules[0].paths[10]"));
  EXPECT_TRUE(less("rules[2].paths[9]", "rules[10].paths[0]"));
  EXPECT_TRUE(less("a", "ab"));
  EXPECT_TRUE(less("", "0"));
  EXPECT_FALSE(less("paths[3]", "paths[3]"));
  EXPECT_NE(less("p[01]", "p[1]"), less("p[1]", "p[01]"));
}

}  // namespace
}  // namespace portico::routing
