#include "controller/translate/canary_merge.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"
#include "controller/translate/translator.h"

namespace portico::translate {
namespace {

using ::testing::HasSubstr;
using testing::service_yaml;
using testing::World;

constexpr const char* kOld = "2023-01-01T00:00:00Z";
constexpr const char* kNew = "2024-01-01T00:00:00Z";
constexpr const char* kNewest = "2025-01-01T00:00:00Z";

struct Written {
  std::string name = "web";
  std::string annotations;  // "canary: \"true\", ..."
  std::string host = "a.example.com";
  std::string path = "/";
  std::string kind = "Prefix";
  std::string service = "v1";
  std::string created = kOld;
  std::string namespace_ = "default";
};

std::string yaml(const Written& ingress) {
  std::string annotations;
  std::string_view rest = ingress.annotations;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(", "), rest.size());
    annotations.append(annotations.empty() ? "" : ", ")
        .append("nginx.ingress.kubernetes.io/")
        .append(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return fmt::format(
      "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {}, namespace: {}, "
      "creationTimestamp: \"{}\", annotations: {{{}}}}}\nspec: {{rules: [{{host: {}, http: "
      "{{paths: "
      "[{{path: {}, pathType: {}, backend: {{service: {{name: {}, port: {{number: "
      "80}}}}}}}}]}}}}]}}"
      "\n",
      ingress.name, ingress.namespace_, ingress.created, annotations, ingress.host, ingress.path,
      ingress.kind, ingress.service);
}

Written canary(const std::string& annotations = "canary-weight: \"10\"") {
  return {.name = "next",
          .annotations = "canary: \"true\"" + (annotations.empty() ? "" : ", " + annotations),
          .service = "v2",
          .created = kNew};
}

const routing::RouteSpec* route_of(const World& world, std::string_view host = "a.example.com") {
  const auto* spec = world.translator.snapshot().hosts.find(host);
  return spec == nullptr || spec->routes.empty() ? nullptr : spec->routes.front().get();
}

// The backend of the first route's canary; "none" where it has none.
std::string canary_of(const World& world, std::string_view host = "a.example.com") {
  const auto* route = route_of(world, host);
  return route == nullptr || route->canary == nullptr ? "none" : route->canary->route->backend;
}

const routing::BackendSpec& backend_of(const World& world, std::string_view key) {
  const auto* spec = world.translator.snapshot().backends.find(key);
  EXPECT_NE(spec, nullptr) << key;
  static const routing::BackendSpec kNone;
  return spec == nullptr ? kNone : *spec;
}

class CanaryMerged : public ::testing::Test {
 protected:
  CanaryMerged() { world_.apply(service_yaml("v1") + service_yaml("v2") + service_yaml("v3")); }
  World world_;
};

TEST_F(CanaryMerged, TakesAPartOfTheRuleWithItsHostPathAndType) {
  world_.apply(yaml({}) + yaml(canary()));
  EXPECT_EQ(world_.routes("a.example.com"), "Prefix / -> default/v1:80\n");
  EXPECT_EQ(canary_of(world_), "default/v2:80");
  const auto& spec = *route_of(world_)->canary;
  EXPECT_EQ(spec.rule.weight, 10U);
  EXPECT_EQ(spec.route->origin.to_string(), "Ingress default/next");
  EXPECT_EQ(spec.route->policy, route_of(world_)->policy);
  EXPECT_EQ(world_.findings(), "");
}

struct Apart {
  const char* name;
  Written canary;
  const char* sought;
};
class CanaryApart : public ::testing::TestWithParam<Apart> {};

TEST_P(CanaryApart, ServesNothing) {
  World world;
  world.apply(service_yaml("v1") + service_yaml("v2") + yaml({.path = "/shop"}) +
              yaml(GetParam().canary));
  EXPECT_EQ(world.routes("a.example.com"), "Prefix /shop -> default/v1:80\n");
  EXPECT_EQ(world.routes("b.example.com"), "none");
  EXPECT_EQ(canary_of(world), "none");
  EXPECT_EQ(world.backend("default/v2:80"), "absent");
  EXPECT_EQ(world.findings(),
            fmt::format("warning: Ingress default/next: spec.rules[0].http.paths[0]: the canary "
                        "serves nothing here: no other Ingress has {}\n",
                        GetParam().sought));
}

Written canary_at(const std::string& host, const std::string& path, const std::string& kind) {
  auto written = canary();
  written.host = host;
  written.path = path;
  written.kind = kind;
  return written;
}

INSTANTIATE_TEST_SUITE_P(
    Canary, CanaryApart,
    ::testing::Values(Apart{"OtherHost", canary_at("b.example.com", "/shop", "Prefix"),
                            "host \"b.example.com\" with Prefix path \"/shop\""},
                      Apart{"WildcardAbove", canary_at("\"*.example.com\"", "/shop", "Prefix"),
                            "host \"*.example.com\" with Prefix path \"/shop\""},
                      Apart{"OtherPath", canary_at("a.example.com", "/shop/new", "Prefix"),
                            "host \"a.example.com\" with Prefix path \"/shop/new\""},
                      Apart{"PathAbove", canary_at("a.example.com", "/", "Prefix"),
                            "host \"a.example.com\" with Prefix path \"/\""},
                      Apart{"OtherType", canary_at("a.example.com", "/shop", "Exact"),
                            "host \"a.example.com\" with Exact path \"/shop\""}),
    [](const auto& param) { return param.param.name; });

TEST_F(CanaryMerged, TheOldestCanaryCounts) {
  auto other = canary("canary-weight: \"90\"");
  other.name = "another";
  other.service = "v3";
  other.created = kNewest;
  world_.apply(yaml({}) + yaml(other) + yaml(canary()));
  EXPECT_EQ(canary_of(world_), "default/v2:80");
  EXPECT_EQ(world_.backend("default/v3:80"), "absent");
  EXPECT_EQ(world_.findings(),
            "warning: Ingress default/another: spec.rules[0].http.paths[0]: the canary serves "
            "nothing here: host \"a.example.com\" with Prefix path \"/\" has that of Ingress "
            "default/next already\n");
  world_.remove(yaml(canary()));
  EXPECT_EQ(canary_of(world_), "default/v3:80");
  EXPECT_EQ(world_.findings(), "");
}

TEST_F(CanaryMerged, AnOlderCanaryTakesNoRuleFromItsMainIngress) {
  auto old = canary();
  old.created = "2020-01-01T00:00:00Z";
  world_.apply(yaml(old));
  EXPECT_EQ(world_.routes("a.example.com"), "none");
  world_.apply(yaml({}));
  EXPECT_EQ(world_.routes("a.example.com"), "Prefix / -> default/v1:80\n");
  EXPECT_EQ(canary_of(world_), "default/v2:80");
  world_.remove(yaml({}));
  EXPECT_EQ(world_.routes("a.example.com"), "none");
  EXPECT_EQ(world_.backend("default/v2:80"), "absent");
}

TEST_F(CanaryMerged, EachPathGoesByItsOwnMainIngress) {
  world_.apply(yaml({}) + yaml({.name = "shop", .path = "/shop", .service = "v3"}) +
               yaml(canary_at("a.example.com", "/shop", "Prefix")));
  const auto& routes = world_.translator.snapshot().hosts.find("a.example.com")->routes;
  for (const auto& route : routes) {
    EXPECT_EQ(route->canary != nullptr, route->path == "/shop") << route->path;
  }
}

TEST_F(CanaryMerged, AnotherHostOfTheSameServiceHasNoCanary) {
  world_.apply(yaml({}) + yaml({.name = "other", .host = "b.example.com"}) + yaml(canary()));
  EXPECT_EQ(canary_of(world_, "a.example.com"), "default/v2:80");
  EXPECT_EQ(canary_of(world_, "b.example.com"), "none");
}

TEST_F(CanaryMerged, TheMainBackendItselfIsNoCanary) {
  auto same = canary();
  same.service = "v1";
  world_.apply(yaml({}) + yaml(same));
  EXPECT_EQ(canary_of(world_), "none");
  EXPECT_THAT(world_.findings(), HasSubstr("Ingress default/web has the same backend"));
}

TEST_F(CanaryMerged, AnotherNamespacesCanaryIsToldOf) {
  auto foreign = canary();
  foreign.namespace_ = "other";
  world_.apply(yaml({}) + yaml(foreign));
  EXPECT_EQ(canary_of(world_), "other/v2:80");
  EXPECT_THAT(world_.findings(), HasSubstr("info: Ingress other/next: spec.rules[0].http.paths[0]: "
                                           "takes a part of the requests of Ingress default/web"));
  EXPECT_THAT(
      world_.findings(),
      HasSubstr("warning: Ingress default/web: spec.rules[0].http.paths[0]: requests of this "
                "rule go to a canary of another namespace: Ingress other/next\n"));
  world_.remove(yaml(foreign));
  EXPECT_EQ(world_.findings(), "");
}

TEST_F(CanaryMerged, OfTwoEqualRulesTheOlderHasTheCanary) {
  world_.apply(yaml({}) + yaml({.name = "twin", .service = "v3", .created = kNewest}) +
               yaml(canary()));
  const auto& routes = world_.translator.snapshot().hosts.find("a.example.com")->routes;
  ASSERT_EQ(routes.size(), 2U);
  for (const auto& route : routes) {
    EXPECT_EQ(route->canary != nullptr, route->origin.name == "web") << route->origin.name;
  }
}

TEST_F(CanaryMerged, AMissingServiceLeavesTheMainBackendAlone) {
  auto missing = canary();
  missing.service = "v9";
  world_.apply(yaml({}) + yaml(missing));
  EXPECT_THAT(world_.backend("default/v9:80"), HasSubstr("missing"));
  EXPECT_THAT(
      world_.findings(),
      HasSubstr("error: Ingress default/next: spec.rules[0].http.paths[0].backend: there is no "
                "Service \"v9\" in namespace \"default\": the main backend serves alone"));
}

TEST_F(CanaryMerged, AChangeOfWeightKeepsTheBackends) {
  world_.apply(yaml({}) + yaml(canary()));
  const auto* before = world_.translator.snapshot().backends.find("default/v2:80");
  world_.apply(yaml(canary("canary-weight: \"20\"")));
  EXPECT_EQ(route_of(world_)->canary->rule.weight, 20U);
  EXPECT_EQ(world_.translator.snapshot().backends.find("default/v2:80"), before);
}

TEST_F(CanaryMerged, TakesAPartOfADefaultBackendToo) {
  const auto with_default = [](std::string_view name, std::string_view service,
                               std::string_view annotations) {
    return fmt::format(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {}, annotations: "
        "{{{}}}}}\nspec: {{defaultBackend: {{service: {{name: {}, port: {{number: 80}}}}}}}}\n",
        name, annotations, service);
  };
  const auto next = with_default("next", "v2", "nginx.ingress.kubernetes.io/canary: \"true\"");
  world_.apply(next);
  EXPECT_EQ(world_.translator.snapshot().default_route, nullptr);
  EXPECT_THAT(world_.findings(), HasSubstr("no other Ingress has a default backend"));
  world_.apply(with_default("web", "v1", ""));
  const auto& route = world_.translator.snapshot().default_route;
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->backend, "default/v1:80");
  ASSERT_NE(route->canary, nullptr);
  EXPECT_EQ(route->canary->route->backend, "default/v2:80");
  EXPECT_EQ(world_.findings(), "");
  world_.remove(next);
  EXPECT_EQ(world_.translator.snapshot().default_route->canary, nullptr);
  EXPECT_EQ(world_.backend("default/v2:80"), "absent");
}

// ---- guards

TEST_F(CanaryMerged, AGuardOfTheMainIngressClosesBoth) {
  world_.apply(yaml({.annotations = "auth-url: \"http://x\""}) + yaml(canary()));
  EXPECT_EQ(world_.routes("a.example.com"), "Prefix / -> default/v1:80 denied\n");
  EXPECT_EQ(canary_of(world_), "default/v2:80");
  EXPECT_FALSE(route_of(world_)->canary->route->policy->denied_because.empty());
}

TEST_F(CanaryMerged, WithAGuardThatIsNotServedIsNone) {
  world_.apply(yaml({}) + yaml(canary("canary-weight: \"10\", auth-url: \"http://x\"")));
  EXPECT_EQ(canary_of(world_), "none");
  EXPECT_EQ(world_.routes("a.example.com"), "Prefix / -> default/v1:80\n");
  EXPECT_THAT(world_.findings(),
              HasSubstr("error: Ingress default/next: "
                        "metadata.annotations[canary]: the canary serves nothing"));
}

TEST_F(CanaryMerged, ThatAsksForClientCertificatesFollowsAMainIngressThatDoes) {
  const std::string asks = "auth-tls-secret: default/ca";
  world_.apply(yaml({}) + yaml(canary("canary-weight: \"10\", " + asks)));
  EXPECT_EQ(canary_of(world_), "none");
  EXPECT_THAT(world_.findings(), HasSubstr("it asks for client certificates otherwise than"));
  world_.apply(yaml({.annotations = asks}));
  EXPECT_EQ(canary_of(world_), "default/v2:80");
}

TEST_F(CanaryMerged, ASecretOfAnotherNamespaceIsNotUsed) {
  world_.apply(yaml({}) + yaml(canary("proxy-ssl-secret: other/tls, backend-protocol: HTTPS")));
  EXPECT_EQ(canary_of(world_), "none");
}

TEST_F(CanaryMerged, TheMainIngresssSecretStaysInItsNamespace) {
  auto foreign = canary();
  foreign.namespace_ = "other";
  world_.apply(yaml({.annotations = "backend-protocol: HTTPS, proxy-ssl-secret: default/client"}) +
               yaml(foreign));
  EXPECT_EQ(canary_of(world_), "none");
  EXPECT_THAT(
      world_.findings(),
      HasSubstr("warning: Ingress other/next: spec.rules[0].http.paths[0]: the canary serves "
                "nothing here: the Secret by which Ingress default/web talks to its backend "
                "is of another namespace\n"));
  foreign.annotations += ", backend-protocol: HTTPS, proxy-ssl-secret: other/own";
  world_.apply(yaml(foreign));
  EXPECT_EQ(canary_of(world_), "other/v2:80#https;secret=other/own");
}

// ---- how it is talked to

TEST_F(CanaryMerged, IsTalkedToAsTheMainBackend) {
  world_.apply(yaml({.annotations = "backend-protocol: GRPC"}) + yaml(canary()));
  EXPECT_EQ(canary_of(world_), "default/v2:80#grpc");
  EXPECT_EQ(backend_of(world_, canary_of(world_)).protocol, routing::BackendProtocol::kHttp2);
}

TEST_F(CanaryMerged, ItsOwnProtocolComesFirst) {
  world_.apply(yaml({.annotations = "backend-protocol: GRPC"}) +
               yaml(canary("canary-weight: \"10\", backend-protocol: HTTP")));
  EXPECT_EQ(canary_of(world_), "default/v2:80#http");
}

TEST_F(CanaryMerged, AMainBackendThatIsVerifiedIsAGuard) {
  world_.apply(yaml({.annotations = "backend-protocol: HTTPS, proxy-ssl-verify: \"on\", "
                                    "proxy-ssl-secret: default/ca"}) +
               yaml(canary("canary-weight: \"10\", backend-protocol: HTTP")));
  EXPECT_THAT(canary_of(world_), HasSubstr("#https;secret=default/ca;verify=1"));
}

TEST_F(CanaryMerged, AVerifiedMainBackendIsNotLeftForPlaintext) {
  const std::string own =
      "canary-weight: \"10\", proxy-ssl-verify: \"on\", proxy-ssl-secret: "
      "default/own, backend-protocol: ";
  world_.apply(yaml({.annotations = "backend-protocol: HTTPS, proxy-ssl-verify: \"on\", "
                                    "proxy-ssl-secret: default/ca"}));
  for (const auto* plain : {"HTTP", "GRPC", "AUTO_HTTP"}) {
    world_.apply(yaml(canary(own + plain)));
    EXPECT_EQ(canary_of(world_), "default/v2:80#https;secret=default/ca;verify=1") << plain;
  }
  world_.apply(yaml(canary(own + "GRPCS")));
  EXPECT_EQ(canary_of(world_), "default/v2:80#grpcs;secret=default/own;verify=1");
}

TEST_F(CanaryMerged, WhereTheMainBackendIsVerifiedAServiceWithoutTlsGetsNothing) {
  const auto service = [](std::string_view name, std::string_view app_protocol) {
    return fmt::format(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {}}}\nspec: {{ports: [{{port: 80, "
        "appProtocol: {}}}]}}\n",
        name, app_protocol);
  };
  world_.apply(service("v1", "https") + service("v2", "http") + yaml(canary()) +
               yaml({.annotations = "proxy-ssl-verify: \"on\", proxy-ssl-secret: default/ca"}));
  EXPECT_THAT(backend_of(world_, canary_of(world_)).denied_because,
              HasSubstr("no appProtocol of Service \"v2\" names TLS"));
  EXPECT_THAT(world_.findings(), HasSubstr("error: Ingress default/next"));
  world_.apply(service("v2", "https"));
  EXPECT_EQ(backend_of(world_, canary_of(world_)).denied_because,
            "there is no Secret \"default/ca\"");
}

TEST_F(CanaryMerged, BalancingIsItsOwn) {
  world_.apply(yaml({.annotations = "load-balance: ewma, upstream-hash-by: \"$request_uri\""}) +
               yaml(canary()));
  EXPECT_EQ(canary_of(world_), "default/v2:80");
  world_.apply(yaml(canary("canary-weight: \"10\", load-balance: random")));
  EXPECT_EQ(backend_of(world_, canary_of(world_)).balance->strategy, routing::Strategy::kRandom);
}

TEST_F(CanaryMerged, AffinityIsTheMainOnes) {
  world_.apply(yaml({.annotations = "affinity: cookie, session-cookie-name: MAIN"}) +
               yaml(canary("canary-weight: \"10\", affinity: cookie, session-cookie-name: OWN")));
  EXPECT_EQ(backend_of(world_, canary_of(world_)).balance->affinity->cookie_name, "MAIN");
  EXPECT_TRUE(route_of(world_)->canary->rule.heeds_affinity);
}

TEST_F(CanaryMerged, WithoutAffinityAtTheMainIngressThereIsNone) {
  world_.apply(yaml({}) + yaml(canary("canary-weight: \"10\", affinity: cookie")));
  EXPECT_EQ(backend_of(world_, canary_of(world_)).balance, nullptr);
}

TEST_F(CanaryMerged, LegacyAffinityIsItsOwn) {
  world_.apply(yaml({.annotations = "affinity: cookie, session-cookie-name: MAIN"}) +
               yaml(canary("affinity-canary-behavior: legacy, affinity: cookie, "
                           "session-cookie-name: OWN")));
  EXPECT_EQ(backend_of(world_, canary_of(world_)).balance->affinity->cookie_name, "OWN");
  EXPECT_FALSE(route_of(world_)->canary->rule.heeds_affinity);
}

TEST_F(CanaryMerged, DetailsOfWhatNobodyAsksForAreFound) {
  const auto detail = canary("canary-weight: \"10\", health-check-path: /well");
  const auto idle = HasSubstr(
      "warning: Ingress default/next: "
      "metadata.annotations[nginx.ingress.kubernetes.io/health-check-path]: \"/well\" has no "
      "effect");
  world_.apply(yaml({}) + yaml(detail));
  EXPECT_THAT(world_.findings(), idle);
  world_.apply(yaml({.annotations = "health-check: http"}));
  EXPECT_EQ(world_.findings(), "");
  world_.apply(yaml({}));
  EXPECT_THAT(world_.findings(), idle);
  world_.remove(yaml(detail));
  EXPECT_EQ(world_.findings(), "");
}

TEST_F(CanaryMerged, FollowsAChangeOfTheMainIngress) {
  world_.apply(yaml({}) + yaml(canary()));
  world_.apply(yaml({.annotations = "backend-protocol: GRPC, proxy-read-timeout: \"7\""}));
  EXPECT_EQ(canary_of(world_), "default/v2:80#grpc");
  EXPECT_EQ(world_.backend("default/v2:80"), "absent");
  EXPECT_EQ(route_of(world_)->canary->route->policy->read_timeout, std::chrono::seconds(7));
}

TEST_F(CanaryMerged, OneBackendServesSeveralHosts) {
  const auto both = [&](const std::string& annotations) {
    return fmt::format(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: next, "
        "annotations: "
        "{{nginx.ingress.kubernetes.io/canary: \"true\"{}}}}}\nspec: {{rules: [{{host: "
        "a.example.com, http: &paths {{paths: [{{path: /, pathType: Prefix, backend: {{service: "
        "{{name: v2, port: {{number: 80}}}}}}}}]}}}}, {{host: b.example.com, http: *paths}}]}}\n",
        annotations);
  };
  world_.apply(yaml({}) + yaml({.name = "other", .host = "b.example.com"}) + both(""));
  EXPECT_EQ(world_.backend("default/v2:80"), "none");
  world_.remove(yaml({.name = "other", .host = "b.example.com"}));
  EXPECT_EQ(world_.backend("default/v2:80"), "none");
  EXPECT_EQ(canary_of(world_, "a.example.com"), "default/v2:80");
  world_.remove(yaml({}));
  EXPECT_EQ(world_.backend("default/v2:80"), "absent");
}

}  // namespace
}  // namespace portico::translate
