#include "controller/translate/service_annotations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"

namespace portico::translate {
namespace {

using routing::AffinitySpec;
using routing::BalanceSpec;
using routing::Strategy;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::slice_yaml;
using testing::World;

std::string service(std::string_view annotations, std::string_view spec = "") {
  return "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  annotations: {" +
         std::string(annotations) + "}\nspec: {" + std::string(spec) +
         "ports: [{name: http, port: 80}]}\n";
}

std::string ingress(std::string_view annotations, std::string_view name = "a",
                    std::string_view services = "web") {
  std::string paths;
  for (const auto one : {services.substr(0, services.find(' ')),
                         services.substr(std::min(services.find(' '), services.size()))}) {
    if (!one.empty()) {
      const auto bare = one.substr(one.front() == ' ' ? 1 : 0);
      paths += "{path: /" + std::string(bare) +
               ", pathType: Prefix, backend: {service: {name: " + std::string(bare) +
               ", port: {number: 80}}}},";
    }
  }
  return "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: " +
         std::string(name) + "\n  annotations: {" + std::string(annotations) +
         "}\nspec: {rules: [{host: " + std::string(name) + ".example.com, http: {paths: [" + paths +
         "]}}]}\n";
}

// Of the backend that the host's first path leads to.
BalanceSpec balance(const World& world, const std::string& host = "a.example.com") {
  const auto& snapshot = world.translator.snapshot();
  const auto* backend = snapshot.backends.find(snapshot.hosts.find(host)->routes.front()->backend);
  return backend->balance == nullptr ? BalanceSpec() : *backend->balance;
}

BalanceSpec balance(std::string_view of_service, std::string_view of_ingress) {
  World world;
  world.apply(service(of_service) + ingress(of_ingress));
  EXPECT_EQ(world.findings(), "");
  return balance(world);
}

TEST(ServiceAnnotations, SayHowItsRequestsAreSpread) {
  EXPECT_EQ(balance("portico.dev/load-balance: ewma", ""),
            BalanceSpec{.strategy = Strategy::kEwma});
  EXPECT_EQ(balance("portico.dev/upstream-hash-by: $uri, portico.dev/upstream-hash-by-subset: "
                    "\"true\"",
                    ""),
            (BalanceSpec{.hash_by = "$uri", .hash_subset = true}));
  EXPECT_EQ(balance("portico.dev/affinity: cookie, portico.dev/session-cookie-name: S", ""),
            BalanceSpec{.affinity = AffinitySpec{.cookie_name = "S"}});
}

TEST(ServiceAnnotations, ComeBehindTheIngresssNameByName) {
  EXPECT_EQ(balance("portico.dev/load-balance: ewma", "portico.dev/load-balance: random"),
            BalanceSpec{.strategy = Strategy::kRandom});
  EXPECT_EQ(balance("portico.dev/load-balance: ewma",
                    "nginx.ingress.kubernetes.io/load-balance: round_robin"),
            BalanceSpec{.strategy = Strategy::kRoundRobin});
  EXPECT_EQ(balance("portico.dev/upstream-hash-by: $uri", "portico.dev/load-balance: ewma"),
            (BalanceSpec{.strategy = Strategy::kEwma, .hash_by = "$uri"}));
}

TEST(ServiceAnnotations, AreSwitchedOffByTheIngress) {
  EXPECT_EQ(balance("portico.dev/upstream-hash-by: $uri", "portico.dev/upstream-hash-by: \"\""),
            BalanceSpec());
  EXPECT_EQ(balance("portico.dev/affinity: cookie, portico.dev/session-cookie-name: S",
                    "portico.dev/affinity: none"),
            BalanceSpec());
}

TEST(ServiceAnnotations, HoldWhereTheIngresssCantBeRead) {
  World world;
  world.apply(service("portico.dev/load-balance: ewma") +
              ingress("portico.dev/load-balance: fastest"));
  EXPECT_EQ(balance(world), BalanceSpec{.strategy = Strategy::kEwma});
  EXPECT_EQ(world.translator.diagnostics().at(0).fix,
            "correct the value; until then it counts as not given");
}

TEST(ServiceAnnotations, TakeTheDetailsThatTheIngressAdds) {
  EXPECT_EQ(balance("portico.dev/affinity: cookie, portico.dev/session-cookie-name: S",
                    "portico.dev/session-cookie-name: I, portico.dev/affinity-mode: persistent"),
            (BalanceSpec{.affinity = AffinitySpec{.cookie_name = "I", .persistent = true}}));
}

TEST(ServiceAnnotations, AddDetailsToWhatTheIngressAsksFor) {
  EXPECT_EQ(balance("portico.dev/session-cookie-name: S", "portico.dev/affinity: cookie"),
            BalanceSpec{.affinity = AffinitySpec{.cookie_name = "S"}});
}

TEST(ServiceAnnotations, EachIngressKeepsItsOwn) {
  World world;
  world.apply(service("portico.dev/upstream-hash-by: $uri, portico.dev/load-balance: ewma") +
              ingress("portico.dev/upstream-hash-by: \"\"", "a") + ingress("", "b") +
              ingress("portico.dev/load-balance: random", "c"));
  EXPECT_EQ(balance(world, "a.example.com"), BalanceSpec{.strategy = Strategy::kEwma});
  EXPECT_EQ(balance(world, "b.example.com"),
            (BalanceSpec{.strategy = Strategy::kEwma, .hash_by = "$uri"}));
  EXPECT_EQ(balance(world, "c.example.com"),
            (BalanceSpec{.strategy = Strategy::kRandom, .hash_by = "$uri"}));
}

TEST(ServiceAnnotations, ComeBeforeTheServicesOwnSessionAffinity) {
  World world;
  world.apply(service("portico.dev/affinity: cookie", "sessionAffinity: ClientIP, ") + ingress(""));
  EXPECT_EQ(balance(world), BalanceSpec{.affinity = AffinitySpec()});
  world.apply(service("portico.dev/load-balance: ewma", "sessionAffinity: ClientIP, "));
  EXPECT_EQ(balance(world), (BalanceSpec{.strategy = Strategy::kEwma, .hash_by = "$remote_addr"}));
}

TEST(ServiceAnnotations, AreTakenUpAndLeftAtOnceWithoutTouchingAnyRule) {
  World world;
  world.apply(service("") + ingress(""));
  EXPECT_EQ(world.apply(service("portico.dev/load-balance: ewma")).impact, Impact::kEndpoints);
  EXPECT_EQ(balance(world), BalanceSpec{.strategy = Strategy::kEwma});
  EXPECT_EQ(world.apply(service("portico.dev/load-balance: ewma")).impact, Impact::kIrrelevant);
  world.apply(service(""));
  EXPECT_EQ(balance(world), BalanceSpec());
}

TEST(ServiceAnnotations, OfOtherPrefixesAreNobodysBusiness) {
  EXPECT_EQ(balance("nginx.ingress.kubernetes.io/load-balance: ewma, example.com/affinity: x", ""),
            BalanceSpec());
}

TEST(ServiceAnnotations, MayAskForTheServicesOwnAddress) {
  World world(Options{.config_map = "default/settings"});
  const std::string spec = "clusterIP: 10.96.0.7, ";
  const auto address = [&world] { return world.backend("default/web:80"); };
  world.apply(service("portico.dev/service-upstream: \"true\"", spec) +
              slice_yaml("web", "10.0.0.1") + ingress(""));
  EXPECT_EQ(address(), "10.96.0.7:80");
  world.apply(service("", spec));
  EXPECT_EQ(address(), "10.0.0.1:8080");
  world.apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {service-upstream: "
      "\"true\"}\n" +
      service("portico.dev/service-upstream: \"false\"", spec));
  EXPECT_EQ(world.backend("default/web:80#;to=service"), "10.0.0.1:8080");
}

TEST(ServiceAnnotations, HoldForTheFlagsDefaultBackend) {
  World world({.default_backend_service = "default/web"});
  world.apply(service("portico.dev/service-upstream: \"true\"", "clusterIP: 10.96.0.7, "));
  EXPECT_EQ(world.backend("default/web:"), "10.96.0.7:80");
  world.apply(service("portico.dev/service-upstream: \"true\", portico.dev/affinity: x",
                      "clusterIP: None, ") +
              slice_yaml("web", "10.0.0.1"));
  EXPECT_EQ(world.backend("default/web:"), "10.0.0.1:8080");
  EXPECT_THAT(world.findings(), HasSubstr("\"x\" is not \"cookie\""));
}

TEST(ServiceAnnotations, ThatAreBadAreFoundOncePerServiceInUse) {
  World world;
  world.apply(service("portico.dev/load-balance: fastest"));
  EXPECT_EQ(world.findings(), "");
  world.apply(ingress("", "a") + ingress("portico.dev/load-balance: ewma", "b"));
  EXPECT_EQ(world.findings(),
            "error: Service default/web: metadata.annotations[portico.dev/load-balance]: "
            "\"fastest\" is not round_robin, ewma, least_requests or random\n");
  EXPECT_EQ(world.translator.diagnostics().at(0).file, "test.yaml");
  world.remove(ingress("", "a"));
  EXPECT_THAT(world.findings(), HasSubstr("fastest"));
  world.apply(service("portico.dev/load-balance: ewma"));
  EXPECT_EQ(world.findings(), "");
}

TEST(ServiceAnnotations, FindingsGoWithTheLastIngress) {
  World world;
  world.apply(service("portico.dev/load-balance: fastest") + ingress(""));
  EXPECT_NE(world.findings(), "");
  world.remove(ingress(""));
  EXPECT_EQ(world.findings(), "");
}

TEST(ServiceAnnotations, ThatBelongElsewhereSaySo) {
  World world;
  world.apply(service("portico.dev/load-balanse: ewma, portico.dev/proxy-read-timeout: \"5\", "
                      "portico.dev/weight: \"5\", portico.dev/proxy-ssl-verify: \"on\"") +
              ingress(""));
  EXPECT_THAT(world.findings(), HasSubstr("no annotation of Services is named \"load-balanse\""));
  EXPECT_THAT(world.findings(),
              HasSubstr("warning: Service default/web: "
                        "metadata.annotations[portico.dev/proxy-read-timeout]: \"5\" has no effect "
                        "on a Service"));
  EXPECT_THAT(world.findings(), HasSubstr("\"on\" has no effect on a Service"));
  for (const auto& finding : world.translator.diagnostics()) {
    if (finding.field == "metadata.annotations[portico.dev/load-balanse]") {
      EXPECT_EQ(finding.fix, "did you mean \"load-balance\"?");
    }
    if (finding.field == "metadata.annotations[portico.dev/weight]") {
      EXPECT_THAT(finding.fix, HasSubstr("EndpointSlice"));
    }
  }
}

constexpr std::string_view kIdle = "has no effect without `affinity: cookie`";

TEST(ServiceAnnotations, DetailsOfNothingAreFound) {
  World world;
  world.apply(service("portico.dev/session-cookie-name: S") + ingress(""));
  EXPECT_THAT(world.findings(), HasSubstr("Service default/web"));
  EXPECT_THAT(world.findings(), HasSubstr(kIdle));
  // It is enough that one who uses it asks for affinity.
  world.apply(ingress("portico.dev/affinity: cookie", "b"));
  EXPECT_EQ(world.findings(), "");
  world.remove(ingress("portico.dev/affinity: cookie", "b"));
  EXPECT_THAT(world.findings(), HasSubstr(kIdle));
}

TEST(ServiceAnnotations, DetailsOfAnIngressAreFoundOnceUnlessOneOfItsServicesAsks) {
  World world;
  const auto user = ingress("portico.dev/session-cookie-name: I", "a", "web other");
  world.apply(service("") + testing::service_yaml("other") + user);
  EXPECT_EQ(world.findings(),
            "warning: Ingress default/a: metadata.annotations[portico.dev/session-cookie-name]: "
            "\"I\" " +
                std::string(kIdle) + "\n");
  world.apply(service("portico.dev/affinity: cookie"));
  EXPECT_EQ(world.findings(), "");
  world.apply(service(""));
  EXPECT_THAT(world.findings(), HasSubstr(kIdle));
  world.remove(user);
  EXPECT_EQ(world.findings(), "");
}

TEST(ServiceAnnotations, LongValuesAreNone) {
  const auto annotation = [](std::size_t zeros) {
    return "portico.dev/slow-start: \"" + std::string(zeros, '0') + "5\"";
  };
  for (const bool of_service : {true, false}) {
    const auto apply = [of_service](World& world, const std::string& text) {
      world.apply(service(of_service ? text : "") + ingress(of_service ? "" : text));
    };
    World world;
    apply(world, annotation(1023));
    EXPECT_EQ(world.findings(), "");
    EXPECT_EQ(balance(world), BalanceSpec{.slow_start = std::chrono::seconds(5)});
    apply(world, annotation(1024));
    EXPECT_THAT(world.findings(), HasSubstr("is not a value of at most 1,024 characters"));
    EXPECT_EQ(balance(world), BalanceSpec());
  }
}

// ---- EndpointSlices

std::string slice(std::string_view name, std::string_view addresses, std::string_view annotations) {
  return "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: " +
         std::string(name) + "\n  labels: {kubernetes.io/service-name: web}\n  annotations: {" +
         std::string(annotations) +
         "}\naddressType: IPv4\nports: [{name: http, port: 8080}]\nendpoints: [{addresses: [" +
         std::string(addresses) + "]}]\n";
}

// "10.0.0.1=5 10.0.0.2=1"
std::string weights(const World& world) {
  std::string text;
  for (const auto& endpoint :
       world.translator.snapshot().backends.find("default/web:80")->endpoints) {
    text += (text.empty() ? "" : " ") + endpoint.address + "=" + std::to_string(endpoint.weight);
  }
  return text;
}

TEST(SliceWeight, IsThatOfEachOfItsEndpoints) {
  World world;
  world.apply(service("") + ingress("") +
              slice("big", "10.0.0.1, 10.0.0.2", "portico.dev/weight: \"5\"") +
              slice("small", "10.0.0.3", ""));
  EXPECT_EQ(weights(world), "10.0.0.1=5 10.0.0.2=5 10.0.0.3=1");
  world.apply(slice("small", "10.0.0.3", "portico.dev/weight: \" 1000 \""));
  EXPECT_EQ(weights(world), "10.0.0.1=5 10.0.0.2=5 10.0.0.3=1000");
  EXPECT_EQ(world.findings(), "");
}

TEST(SliceWeight, ThatIsBadIsFoundAndCountsAsOne) {
  for (const auto* bad : {"0", "1001", "-1", "1.5", "many", "", "99999999999999999999"}) {
    World world;
    world.apply(service("") + ingress("") +
                slice("s", "10.0.0.1", "portico.dev/weight: \"" + std::string(bad) + "\""));
    EXPECT_EQ(weights(world), "10.0.0.1=1") << bad;
    EXPECT_EQ(world.findings(),
              "error: EndpointSlice default/s: metadata.annotations[portico.dev/weight]: \"" +
                  std::string(bad) + "\" is not a whole number from 1 to 1000\n");
    world.apply(slice("s", "10.0.0.1", ""));
    EXPECT_EQ(world.findings(), "");
  }
}

TEST(SliceWeight, OfAnAddressInTwoSlicesIsTheSmallerWhateverCameFirst) {
  const auto one = slice("a", "10.0.0.1", "portico.dev/weight: \"7\"");
  const auto other = slice("b", "10.0.0.1", "portico.dev/weight: \"3\"");
  for (const auto& both : {one + other, other + one}) {
    World world;
    world.apply(service("") + ingress("") + both);
    EXPECT_EQ(weights(world), "10.0.0.1=3");
  }
}

TEST(SliceWeight, OfAnAddressInTwoSlicesIsTheSmallerWhateverThePods) {
  const auto of_pod = [](std::string text, std::string_view pod) {
    return text.insert(text.rfind("}]"), ", targetRef: {kind: Pod, namespace: default, name: " +
                                             std::string(pod) + "}");
  };
  World world;
  world.apply(service("") + ingress("") +
              of_pod(slice("a", "10.0.0.1", "portico.dev/weight: \"7\""), "web-0") +
              of_pod(slice("b", "10.0.0.1", "portico.dev/weight: \"3\""), "web-1"));
  EXPECT_EQ(weights(world), "10.0.0.1=3");
}

TEST(SliceWeight, IsTheOnlyAnnotationOfOursThatSlicesHave) {
  World world;
  world.apply(service("") + ingress("") + slice("s", "10.0.0.1", "portico.dev/wait: \"7\""));
  EXPECT_THAT(world.findings(),
              HasSubstr("warning: EndpointSlice default/s: metadata.annotations[portico.dev/wait]: "
                        "no annotation of EndpointSlices is named \"wait\""));
}

TEST(SliceWeight, ATimeOfChangeChangesNothing) {
  World world;
  const auto at = [](std::string_view time) {
    return slice("s", "10.0.0.1",
                 "endpoints.kubernetes.io/last-change-trigger-time: \"" + std::string(time) + "\"");
  };
  world.apply(service("") + ingress("") + at("2024-01-01T00:00:00Z"));
  EXPECT_EQ(world.apply(at("2024-01-01T00:00:01Z")).impact, Impact::kIrrelevant);
}

}  // namespace
}  // namespace portico::translate
