#include "routing/route_table.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "routing/testing/count_allocations.h"
#include "routing/testing/naive_matcher.h"
#include "routing/testing/specs.h"

namespace portico::routing {
namespace {

using testing::host_spec;
using testing::rule;
using enum PathKind;

std::shared_ptr<const HostRoutes> compile(const HostSpec& spec) {
  return HostRoutes::compile(spec, [](std::string_view) { return BackendId{0}; });
}

RouteTable table_of(const std::vector<HostSpec>& specs) {
  RouteTable table;
  for (const auto& spec : specs) {
    table.set_host(spec.host.text(), compile(spec));
  }
  return table;
}

// The winning rule's backend, "" for none.
std::string winner(const RouteTable& table, std::string_view host, std::string_view path) {
  const auto match = table.match({host, path});
  return match.route == nullptr ? "" : match.route->spec->backend;
}

std::string winner(std::vector<RouteSpec> rules, std::string_view path) {
  return winner(table_of({host_spec("a.com", std::move(rules))}), "a.com", path);
}

RouteSpec named(RouteSpec spec, std::string backend) {
  spec.backend = std::move(backend);
  return spec;
}

TEST(RouteTable, EmptyTableMatchesNothing) {
  EXPECT_EQ(RouteTable().match({"a.com", "/"}).route, nullptr);
  EXPECT_EQ(RouteTable().host("a.com"), nullptr);
}

// What the named host asks of its clients counts, whichever host's rule serves them.
TEST(RouteTable, TellsTheMostExactHostThatARequestNames) {
  const auto table = table_of({host_spec("", {rule(kPrefix, "/")}),
                               host_spec("*.foo.com", {rule(kPrefix, "/wild")}),
                               host_spec("bar.foo.com", {rule(kPrefix, "/exact")})});
  const auto nearest = [&](std::string_view host, std::string_view path) {
    const auto match = table.match({host, path});
    return match.nearest == nullptr ? "none" : std::string(match.nearest->host());
  };
  for (const auto* path : {"/exact", "/wild", "/other"}) {
    EXPECT_EQ(nearest("bar.foo.com", path), "bar.foo.com");
    EXPECT_EQ(nearest("x.foo.com", path), "*.foo.com");
    EXPECT_EQ(nearest("foo.com", path), "");
  }
  EXPECT_EQ(RouteTable().match({"foo.com", "/"}).nearest, nullptr);
}

TEST(RouteTable, KeepsWhatAHostAsksOfTls) {
  auto spec = host_spec("a.com", {rule(kPrefix, "/")});
  spec.tls = std::make_shared<const HostTls>(HostTls{.verify_depth = 3});
  const auto table = table_of({spec, host_spec("b.com", {rule(kPrefix, "/")})});
  EXPECT_EQ(table.host("a.com")->tls(), spec.tls.get());
  EXPECT_EQ(table.host("b.com")->tls(), nullptr);
}

TEST(RouteTable, ExactHostBeatsWildcardBeatsAny) {
  const auto table = table_of({host_spec("", {named(rule(kPrefix, "/"), "any")}),
                               host_spec("*.foo.com", {named(rule(kPrefix, "/"), "wildcard")}),
                               host_spec("bar.foo.com", {named(rule(kPrefix, "/"), "exact")})});
  EXPECT_EQ(winner(table, "bar.foo.com", "/"), "exact");
  EXPECT_EQ(winner(table, "other.foo.com", "/"), "wildcard");
  EXPECT_EQ(winner(table, "foo.com", "/"), "any");
  EXPECT_EQ(winner(table, "baz.bar.foo.com", "/"), "any");
  EXPECT_EQ(winner(table, "", "/"), "any");
  EXPECT_EQ(winner(table, "[::1]", "/"), "any");
}

TEST(RouteTable, GoesOnToALessExactHostWhereNoPathMatches) {
  const auto table = table_of({host_spec("", {named(rule(kPrefix, "/any"), "any")}),
                               host_spec("*.foo.com", {named(rule(kPrefix, "/wild"), "wildcard")}),
                               host_spec("bar.foo.com", {named(rule(kExact, "/"), "exact")})});
  EXPECT_EQ(winner(table, "bar.foo.com", "/"), "exact");
  EXPECT_EQ(winner(table, "bar.foo.com", "/wild/x"), "wildcard");
  EXPECT_EQ(winner(table, "bar.foo.com", "/any"), "any");
  EXPECT_EQ(winner(table, "bar.foo.com", "/none"), "");
}

TEST(RouteTable, DefaultRouteServesTheRestAndHasNoOwner) {
  auto table = table_of({host_spec("a.com", {rule(kExact, "/x")})});
  const auto spec = std::make_shared<const RouteSpec>(named(rule(kPrefix, "/"), "default"));
  table.set_default(std::make_shared<const Route>(Route{.spec = spec}));
  EXPECT_EQ(winner(table, "a.com", "/x"), "/x");
  EXPECT_EQ(winner(table, "a.com", "/y"), "default");
  EXPECT_EQ(winner(table, "b.com", "/x"), "default");
  EXPECT_EQ(winner(table, "b.com", "*"), "default");
  const auto match = table.match({"b.com", "/x"});
  EXPECT_EQ(match.owner, nullptr);
  EXPECT_EQ(table.owner_of(match).get(), match.route);
}

TEST(RouteTable, AWildcardsTextIsNoHostOfARequest) {
  const auto table = table_of({host_spec("*.foo.com", {rule(kPrefix, "/")})});
  EXPECT_EQ(winner(table, ".foo.com", "/"), "");
  EXPECT_EQ(winner(table, "foo.com", "/"), "");
}

TEST(RouteTable, OwnerOutlivesTheTable) {
  RouteTable::Match match;
  std::shared_ptr<const void> owner;
  {
    const auto table = table_of({host_spec("*.foo.com", {rule(kPrefix, "/a")}),
                                 host_spec("x.foo.com", {rule(kPrefix, "/b")})});
    match = table.match({"x.foo.com", "/a"});
    owner = table.owner_of(match);
  }
  ASSERT_EQ(owner.get(), match.owner);
  EXPECT_EQ(match.route->spec->path, "/a");
  EXPECT_EQ(match.owner->host(), "*.foo.com");
}

TEST(RouteTable, VersionsAreIndependentAndShareHosts) {
  const auto before =
      table_of({host_spec("a.com", {rule(kPrefix, "/a")}),
                host_spec("b.com", {rule(kPrefix, "/b")}), host_spec("", {rule(kPrefix, "/any")})});
  auto after = before;
  after.set_host("a.com", compile(host_spec("a.com", {rule(kPrefix, "/new")})));
  after.erase_host("");
  after.erase_host("absent.com");
  EXPECT_EQ(winner(before, "a.com", "/a"), "/a");
  EXPECT_EQ(winner(before, "x.com", "/any"), "/any");
  EXPECT_EQ(winner(after, "a.com", "/a"), "");
  EXPECT_EQ(winner(after, "a.com", "/new"), "/new");
  EXPECT_EQ(winner(after, "x.com", "/any"), "");
  EXPECT_EQ(before.host("b.com"), after.host("b.com"));
}

TEST(RouteTable, ThousandsOfHostsComeAndGo) {
  const auto name = [](int i) {
    return (i % 7 == 0 ? "*.h" : "h") + std::to_string(i) + ".example.com";
  };
  RouteTable table;
  for (int i = 0; i < 5'000; ++i) {
    table.set_host(name(i), compile(host_spec(name(i), {rule(kPrefix, "/")})));
  }
  const auto full = table;
  for (int i = 0; i < 5'000; i += 2) {
    table.erase_host(name(i));
  }
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_NE(full.host(name(i)), nullptr) << i;
    ASSERT_EQ(table.host(name(i)) != nullptr, i % 2 == 1) << i;
  }
}

TEST(RouteTableDeathTest, RefusesRoutesOfAnotherHost) {
  RouteTable table;
  EXPECT_DEATH(table.set_host("b.com", compile(host_spec("a.com", {}))), "not the host");
}

TEST(PathMatch, FollowsTheIngressDocumentation) {
  struct Row {
    PathKind kind;
    const char* rule;
    const char* request;
    bool matches;
  };
  const Row rows[] = {
      {kPrefix, "/", "/any/path", true},
      {kExact, "/foo", "/foo", true},
      {kExact, "/foo", "/bar", false},
      {kExact, "/foo", "/foo/", false},
      {kExact, "/foo/", "/foo", false},
      {kExact, "/foo/", "/foo/", true},
      {kExact, "/foo", "/FOO", false},
      {kExact, "/", "/", true},
      {kExact, "/", "/a", false},
      {kPrefix, "/foo", "/foo", true},
      {kPrefix, "/foo", "/foo/", true},
      {kPrefix, "/foo/", "/foo", true},
      {kPrefix, "/foo/", "/foo/", true},
      {kPrefix, "/foo", "/FOO", false},
      {kPrefix, "/aaa/bb", "/aaa/bbb", false},
      {kPrefix, "/aaa/bbb", "/aaa/bbb", true},
      {kPrefix, "/aaa/bbb/", "/aaa/bbb", true},
      {kPrefix, "/aaa/bbb", "/aaa/bbb/", true},
      {kPrefix, "/aaa/bbb", "/aaa/bbb/c", true},
      {kPrefix, "/aaa/bbb", "/aaa/bbbxyz", false},
      {kPrefix, "/aaa", "/aaaccc", false},
      {kPrefix, "/a", "*", false},
      {kPrefix, "/", "*", false},
      {kStringPrefix, "/foo", "/foobar", true},
      {kStringPrefix, "/foo", "/foo", true},
      {kStringPrefix, "/foo", "/foo/x", true},
      {kStringPrefix, "/foo/", "/foo", false},
      {kStringPrefix, "/foo/", "/foo/", true},
      {kStringPrefix, "/foo/b", "/foo/bar/c", true},
      {kStringPrefix, "/foo", "/fo", false},
      {kStringPrefix, "/foo", "/FOO", false},
      {kStringPrefix, "/", "/x", true},
      {kStringPrefix, "/a-long-segment", "/a-long-segments", true},
      {kStringPrefix, "/a-long-segment", "/a-long-segmenT", false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(!winner({rule(row.kind, row.rule)}, row.request).empty(), row.matches)
        << row.rule << " " << row.request;
  }
}

TEST(PathMatch, TheLongestPathWins) {
  const std::vector<RouteSpec> rules = {rule(kPrefix, "/"), rule(kPrefix, "/aaa"),
                                        rule(kPrefix, "/aaa/bbb"), rule(kStringPrefix, "/aaa/b")};
  EXPECT_EQ(winner(rules, "/ccc"), "/");
  EXPECT_EQ(winner(rules, "/aaa/ccc"), "/aaa");
  EXPECT_EQ(winner(rules, "/aaa/bcc"), "/aaa/b");
  EXPECT_EQ(winner(rules, "/aaa/bbb"), "/aaa/bbb");
  EXPECT_EQ(winner(rules, "/aaa/bbb/x"), "/aaa/bbb");
  EXPECT_EQ(winner(rules, "/aaaccc"), "/");
}

TEST(PathMatch, ExactBeforePrefixBeforeImplementationSpecific) {
  const auto exact = named(rule(kExact, "/foo"), "exact");
  const auto prefix = named(rule(kPrefix, "/foo"), "prefix");
  const auto starts = named(rule(kStringPrefix, "/foo"), "starts");
  EXPECT_EQ(winner({starts, prefix, exact}, "/foo"), "exact");
  EXPECT_EQ(winner({starts, prefix, exact}, "/foo/"), "prefix");
  EXPECT_EQ(winner({starts, prefix}, "/foo"), "prefix");
  EXPECT_EQ(winner({starts, prefix}, "/foobar"), "starts");
}

TEST(PathMatch, APrefixRanksAsIfItEndedInASlash) {
  const auto prefix = named(rule(kPrefix, "/foo"), "prefix");
  const auto starts = named(rule(kStringPrefix, "/foo/"), "starts");
  EXPECT_EQ(winner({starts, prefix}, "/foo/x"), "prefix");
  EXPECT_EQ(winner({starts, named(rule(kPrefix, "/foo/"), "prefix")}, "/foo/x"), "prefix");
}

TEST(PathMatch, ConflictsGoToTheOlderObjectThenByName) {
  auto young = named(rule(kPrefix, "/foo"), "young");
  young.created_unix_seconds = 200;
  young.origin.namespace_ = "a";
  auto old = named(rule(kPrefix, "/foo/"), "old");
  old.created_unix_seconds = 100;
  EXPECT_EQ(winner({young, old}, "/foo"), "old");

  auto first = named(rule(kExact, "/foo"), "first");
  first.origin.name = "a";
  const auto second = named(rule(kExact, "/foo"), "second");
  EXPECT_EQ(winner({second, first}, "/foo"), "first");

  auto second_path = named(rule(kExact, "/foo"), "second");
  second_path.field = "spec.rules[0].http.paths[2]";
  auto tenth_path = named(rule(kExact, "/foo"), "tenth");
  tenth_path.field = "spec.rules[0].http.paths[10]";
  EXPECT_EQ(winner({tenth_path, second_path}, "/foo"), "second");
}

TEST(PathMatch, RulesAreReadAsRequestsAre) {
  EXPECT_EQ(winner({rule(kPrefix, "/a//b/")}, "/a/b/c"), "/a//b/");
  EXPECT_EQ(winner({rule(kExact, "//a//")}, "/a/"), "//a//");
  EXPECT_EQ(winner({rule(kExact, "/%7euser/%2f")}, "/~user/%2F"), "/%7euser/%2f");
  EXPECT_EQ(winner({rule(kPrefix, "/caf\xc3\xa9")}, "/caf%C3%A9/x"), "/caf\xc3\xa9");
  EXPECT_EQ(winner({rule(kExact, "/100%")}, "/100%25"), "/100%");
  EXPECT_EQ(winner({rule(kStringPrefix, "/.")}, "/.git"), "/.");
  EXPECT_EQ(winner({rule(kStringPrefix, "/.")}, "/git"), "");
  EXPECT_EQ(winner({rule(kStringPrefix, "")}, "/git"), "");
}

TEST(PathMatch, SurvivesAPathOfAHundredThousandSegments) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) {
    deep += "/a";
  }
  EXPECT_EQ(winner({rule(kExact, deep)}, deep), deep);
}

TEST(HostRoutes, RanksAllRoutesShadowedOnesToo) {
  auto young = rule(kPrefix, "/foo/");
  young.created_unix_seconds = 5;
  const auto routes =
      compile(host_spec("a.com", {rule(kPrefix, "/"), young, rule(kStringPrefix, "/foo/"),
                                  rule(kExact, "/x"), rule(kPrefix, "/foo")}));
  std::vector<std::string> order;
  for (const auto& route : routes->by_rank()) {
    order.push_back(std::string(to_string(route.spec->kind)) + " " + route.spec->path);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"Exact /x", "Prefix /foo", "Prefix /foo/",
                                             "ImplementationSpecific /foo/", "Prefix /"}));
}

TEST(HostRoutes, CarriesPolicyBackendAndCertificate) {
  auto spec = host_spec("a.com", {rule(kPrefix, "/")});
  spec.has_certificate = true;
  const auto routes = HostRoutes::compile(
      spec, [](std::string_view key) { return BackendId{key == "/" ? 7u : 0u}; });
  const auto* route = routes->match("/x");
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->backend, BackendId{7});
  EXPECT_EQ(route->policy, spec.routes[0]->policy.get());
  EXPECT_TRUE(route->host_has_certificate);
}

TEST(RouteTable, MatchingAllocatesNothing) {
  const auto table =
      table_of({host_spec("", {rule(kPrefix, "/")}),
                host_spec("*.a-rather-long-domain.example.com", {rule(kExact, "/q")}),
                host_spec("www.a-rather-long-domain.example.com",
                          {rule(kPrefix, "/a/b/c"), rule(kStringPrefix, "/a/b")})});
  const auto allocations = testing::count_allocations([&table] {
    for (const auto* path : {"/a/b/c/d/e/f/a-long-segment", "/a/bx", "/q", "/zzz"}) {
      ASSERT_NE(table.match({"www.a-rather-long-domain.example.com", path}).route, nullptr);
    }
  });
  EXPECT_EQ(allocations, 0u);
}

// Few words, so that rules meet.
class RandomRules {
 public:
  explicit RandomRules(unsigned seed) : random_(seed) {}

  std::string path() {
    std::string path;
    for (auto segments = random_() % 4; segments > 0; --segments) {
      path += random_() % 12 == 0 ? "//" : "/";
      path += kWords[random_() % std::size(kWords)];
    }
    return path.empty() || random_() % 3 == 0 ? path + "/" : path;
  }

  RouteSpec rule() {
    auto spec = testing::rule(static_cast<PathKind>(random_() % 3), path());
    spec.created_unix_seconds = random_() % 3;
    spec.origin.namespace_ = random_() % 2 == 0 ? "n" : "m";
    spec.field = "paths[" + std::to_string(counter_++) + "]";
    return spec;
  }

  HostSpec host(std::string_view name) {
    std::vector<RouteSpec> rules;
    for (auto left = random_() % 12; left > 0; --left) {
      rules.push_back(rule());
    }
    return host_spec(name, std::move(rules));
  }

 private:
  static constexpr const char* kWords[] = {"a",        "ab",        "abc",        "b",
                                           "segment",  "segments-", "segments-x", "segments-xy",
                                           "abcdefgh", "abcdefghi"};
  std::mt19937 random_;
  int counter_ = 100;  // three digits: the oracle compares fields as text
};

std::string merged(std::string path) {
  for (auto at = path.find("//"); at != path.npos; at = path.find("//")) {
    path.erase(at, 1);
  }
  return path;
}

TEST(RouteTable, AgreesWithTheNaiveMatcher) {
  int matched = 0;
  for (unsigned seed = 0; seed < 800; ++seed) {
    RandomRules random(seed);
    std::vector<HostSpec> specs;
    for (const auto* name : {"", "*.a.com", "x.a.com", "y.b.com"}) {
      specs.push_back(random.host(name));
    }
    const auto table = table_of(specs);
    for (int request = 0; request < 60; ++request) {
      const auto path = merged(random.path());
      for (const auto* host : {"x.a.com", "z.a.com", "y.b.com", "q.com"}) {
        const auto* expected = testing::naive_match(specs, host, path);
        const auto* route = table.match({host, path}).route;
        ASSERT_EQ(route == nullptr ? nullptr : route->spec.get(), expected)
            << "seed " << seed << ", " << host << path;
        matched += expected != nullptr ? 1 : 0;
      }
    }
  }
  EXPECT_GT(matched, 50'000);
}

}  // namespace
}  // namespace portico::routing
