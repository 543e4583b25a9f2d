#include "controller/translate/backend_build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"

namespace portico::translate {
namespace {

using ::testing::HasSubstr;
using testing::service_yaml;
using testing::World;

// Services "web" with ports http (80) and metrics (9090), and an Ingress that uses "web" by `port`.
std::string web(std::string_view port) {
  return "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
         "spec: {ports: [{name: http, port: 80, targetPort: 8080}, {name: metrics, port: 9090}, "
         "{name: dns, port: 53, protocol: UDP}]}\n"
         "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n"
         "spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: "
         "web, port: " +
         std::string(port) + "}}}]}}]}\n";
}

std::string slice(std::string_view name, std::string_view ports, std::string_view endpoints,
                  std::string_view type = "IPv4") {
  return "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " +
         std::string(name) +
         ", labels: {kubernetes.io/service-name: web}}\naddressType: " + std::string(type) +
         "\nports: " + std::string(ports) + "\nendpoints: " + std::string(endpoints) + "\n";
}

struct Case {
  const char* name;
  const char* port;  // of the Ingress
  std::string slices;
  const char* key;
  const char* endpoints;
};

std::ostream& operator<<(std::ostream& out, const Case& row) {
  return out << row.name;
}

class BackendCase : public ::testing::TestWithParam<Case> {};

TEST_P(BackendCase, HasEndpoints) {
  World world;
  world.apply(web(GetParam().port) + GetParam().slices);
  EXPECT_EQ(world.backend(GetParam().key), GetParam().endpoints);
}

const std::string kHttp = "[{name: http, port: 8080}]";

INSTANTIATE_TEST_SUITE_P(
    Table, BackendCase,
    ::testing::Values(
        Case{"ByNumber", "{number: 80}", slice("a", kHttp, "[{addresses: [10.0.0.1]}]"),
             "default/web:80", "10.0.0.1:8080"},
        Case{"ByName", "{name: http}", slice("a", kHttp, "[{addresses: [10.0.0.1]}]"),
             "default/web:http", "10.0.0.1:8080"},
        Case{"SlicePortsJoinByName", "{name: metrics}",
             slice("a", "[{name: http, port: 8080}, {name: metrics, port: 9100}]",
                   "[{addresses: [10.0.0.1]}]"),
             "default/web:metrics", "10.0.0.1:9100"},
        Case{"NoSliceIsNoEndpoint", "{number: 80}", "", "default/web:80", "none"},
        Case{"SlicesMergeSortedWithoutDuplicates", "{number: 80}",
             slice("a", kHttp, "[{addresses: [10.0.0.2]}, {addresses: [10.0.0.1]}]") +
                 slice("b", kHttp, "[{addresses: [10.0.0.2]}]") +
                 slice("c", kHttp, "[{addresses: [10.0.0.3]}]"),
             "default/web:80", "10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080"},
        Case{"BothFamilies", "{number: 80}",
             slice("a", kHttp, "[{addresses: [10.0.0.1]}]") +
                 slice("b", kHttp, "[{addresses: [\"fd00::1\"]}]", "IPv6"),
             "default/web:80", "10.0.0.1:8080 fd00::1:8080"},
        Case{"NamesAreNoEndpoints", "{number: 80}",
             slice("a", kHttp, "[{addresses: [example.com]}]", "FQDN"), "default/web:80", "none"},
        Case{"NilReadyIsReady", "{number: 80}",
             slice("a", kHttp, "[{addresses: [10.0.0.1], conditions: {}}]"), "default/web:80",
             "10.0.0.1:8080"},
        Case{"UnreadyIsNotUsed", "{number: 80}",
             slice("a", kHttp, "[{addresses: [10.0.0.1], conditions: {ready: false}}]"),
             "default/web:80", "none"},
        Case{"TerminatingIsNotUsedWhileAnyIsReady", "{number: 80}",
             slice("a", kHttp,
                   "[{addresses: [10.0.0.1], conditions: {ready: false, serving: true, "
                   "terminating: true}}, "
                   "{addresses: [10.0.0.2]}]"),
             "default/web:80", "10.0.0.2:8080"},
        Case{"TerminatingServesWhereNoneIsReady", "{number: 80}",
             slice("a", kHttp,
                   "[{addresses: [10.0.0.1], conditions: {ready: false, terminating: true}}, "
                   "{addresses: [10.0.0.2], conditions: {ready: false}}]"),
             "default/web:80", "10.0.0.1:8080"},
        Case{"TerminatingThatNoLongerServesIsNotUsed", "{number: 80}",
             slice("a", kHttp,
                   "[{addresses: [10.0.0.1], conditions: {ready: false, serving: false, "
                   "terminating: true}}]"),
             "default/web:80", "none"},
        Case{"OnlyTcp", "{number: 80}",
             slice("a", "[{name: http, port: 8080, protocol: UDP}]", "[{addresses: [10.0.0.1]}]"),
             "default/web:80", "none"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Backend, MissingServiceKeepsTheRuleAndIsAnError) {
  World world;
  world.apply(testing::ingress_yaml("web", "a.example.com", "/", "nowhere"));
  EXPECT_EQ(world.routes("a.example.com"), "Prefix / -> default/nowhere:80\n");
  EXPECT_THAT(world.backend("default/nowhere:80"), HasSubstr("there is no Service \"nowhere\""));
  EXPECT_THAT(
      world.findings(),
      HasSubstr("error: Ingress default/web: spec.rules[0].http.paths[0].backend: there is no "
                "Service \"nowhere\" in namespace \"default\""));
  world.apply(service_yaml("nowhere"));
  EXPECT_EQ(world.findings(), "");
  EXPECT_EQ(world.backend("default/nowhere:80"), "none");
}

TEST(Backend, MissingPortSaysWhichThereAre) {
  World world;
  world.apply(web("{name: htpp}"));
  EXPECT_THAT(
      world.findings(),
      HasSubstr("has no TCP port \"htpp\"; it has: http (80), metrics (9090), dns (53) UDP"));
}

TEST(Backend, UdpPortIsMissing) {
  World world;
  world.apply(web("{number: 53}"));
  EXPECT_THAT(world.backend("default/web:53"), HasSubstr("missing: "));
}

TEST(Backend, ResourceIsDiagnosedAndAnswers503) {
  World world;
  world.apply(
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {rules: "
      "[{host: a.example.com, "
      "http: {paths: [{path: /, pathType: Prefix, backend: {resource: {apiGroup: k8s.example.com, "
      "kind: StorageBucket, "
      "name: b}}}]}}]}\n");
  EXPECT_EQ(world.routes("a.example.com"), "Prefix / -> default/:resource\n");
  EXPECT_THAT(world.backend("default/:resource"), HasSubstr("missing: the backend is a resource"));
  EXPECT_THAT(world.findings(),
              HasSubstr("error: Ingress default/web: spec.rules[0].http.paths[0].backend"));
}

std::string external(std::string_view name, std::string_view ports = "[]") {
  return "---\napiVersion: v1\nkind: Service\nmetadata: {name: ext}\nspec: {type: ExternalName, "
         "externalName: " +
         std::string(name) + ", ports: " + std::string(ports) + "}\n";
}

TEST(Backend, ExternalNameIsResolvedByTheCaller) {
  World world;
  world.apply(external("API.example.org.") +
              testing::ingress_yaml("web", "a.example.com", "/", "ext"));
  EXPECT_THAT(world.translator.external_names(), ::testing::ElementsAre("api.example.org"));
  EXPECT_EQ(world.backend("default/ext:80"), "none");
  EXPECT_EQ(
      world.translator.set_external_addresses("api.example.org", {"192.0.2.2", "192.0.2.1"}).impact,
      Impact::kEndpoints);
  EXPECT_EQ(world.backend("default/ext:80"), "192.0.2.1:80 192.0.2.2:80");
  EXPECT_EQ(
      world.translator.set_external_addresses("api.example.org", {"192.0.2.1", "192.0.2.2"}).impact,
      Impact::kIrrelevant);
}

TEST(Backend, ExternalNameIsForgottenWithItsLastUser) {
  World world;
  const auto ingress = testing::ingress_yaml("web", "a.example.com", "/", "ext");
  world.apply(external("api.example.org") + ingress);
  world.apply(external("api.example.net"));
  EXPECT_THAT(world.translator.external_names(), ::testing::ElementsAre("api.example.net"));
  world.remove(ingress);
  EXPECT_THAT(world.translator.external_names(), ::testing::IsEmpty());
}

TEST(Backend, ExternalNameThatCannotBeResolvedIsAFindingOfItsService) {
  World world;
  const auto ingress = testing::ingress_yaml("web", "a.example.com", "/", "ext");
  world.apply(external("lost.invalid") + ingress);
  EXPECT_EQ(world.findings(), "");  // nobody has answered yet
  const auto outcome = world.translator.set_external_addresses("lost.invalid", {}, "no such name");
  EXPECT_EQ(outcome.impact, Impact::kIrrelevant);
  EXPECT_THAT(testing::lines(outcome.raised),
              HasSubstr("error: Service default/ext: spec.externalName: \"lost.invalid\" can't be "
                        "resolved (no such name): its rules answer 503"));
  world.translator.set_external_addresses("lost.invalid", {"192.0.2.1"}, "");
  EXPECT_EQ(world.findings(), "");
  world.translator.set_external_addresses("lost.invalid", {"192.0.2.1"}, "timeout");
  EXPECT_THAT(world.findings(), HasSubstr("warning: Service default/ext"));
  EXPECT_THAT(world.findings(), HasSubstr("its last addresses go on serving"));
  world.remove(ingress);
  EXPECT_EQ(world.findings(), "");
}

TEST(Backend, ExternalNameThatIsAnAddressNeedsNoResolver) {
  World world;
  world.apply(external("192.0.2.9", "[{port: 80, targetPort: 8081}]") +
              testing::ingress_yaml("web", "a.example.com", "/", "ext"));
  EXPECT_THAT(world.translator.external_names(), ::testing::IsEmpty());
  EXPECT_EQ(world.backend("default/ext:80"), "192.0.2.9:8081");
}

}  // namespace
}  // namespace portico::translate
