#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"

namespace portico::translate {
namespace {

using ::testing::HasSubstr;
using testing::World;

std::string service(std::string_view cluster_ip) {
  return "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: \"" +
         std::string(cluster_ip) + "\", ports: [{name: http, port: 80, targetPort: 8080}]}\n" +
         testing::slice_yaml("web", "10.0.0.1, 10.0.0.2");
}

std::string ingress(std::string_view annotations, std::string_view name = "web") {
  return "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: " +
         std::string(name) + ", annotations: {" + std::string(annotations) +
         "}}\nspec: {rules: [{host: " + std::string(name) +
         ".example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, "
         "port: {name: http}}}}]}}]}\n";
}

constexpr std::string_view kOn = "nginx.ingress.kubernetes.io/service-upstream: \"true\"";
constexpr std::string_view kOff = "nginx.ingress.kubernetes.io/service-upstream: \"false\"";

// Where the host's one path leads.
std::string endpoints_of(const World& world, std::string_view host) {
  const auto routes = world.routes(host);
  constexpr std::string_view kArrow = " -> ";
  const auto key = routes.substr(routes.find(kArrow) + kArrow.size());
  return world.backend(key.substr(0, key.find('\n')));
}

TEST(ServiceUpstream, SendsToTheClusterIpAndTheServicesPort) {
  for (const std::string address : {"10.96.0.7", "fd00::7"}) {
    World world;
    world.apply(service(address) + ingress(kOn));
    EXPECT_EQ(endpoints_of(world, "web.example.com"), address + ":80");
    EXPECT_EQ(world.findings(), "");
  }
}

TEST(ServiceUpstream, EachIngressGetsWhatItAsksFor) {
  World world;
  world.apply(service("10.96.0.7") + ingress(kOn) + ingress("", "other"));
  EXPECT_EQ(endpoints_of(world, "web.example.com"), "10.96.0.7:80");
  EXPECT_EQ(endpoints_of(world, "other.example.com"), "10.0.0.1:8080 10.0.0.2:8080");
}

TEST(ServiceUpstream, HoldsInPlaintextAskedForByName) {
  World world;
  world.apply(service("10.96.0.7") +
              ingress(std::string(kOn) + ", portico.dev/backend-protocol: HTTP"));
  EXPECT_EQ(endpoints_of(world, "web.example.com"), "10.96.0.7:80");
}

TEST(ServiceUpstream, AHeadlessServiceKeepsItsEndpoints) {
  World world;
  world.apply(service("None") + ingress(kOn));
  EXPECT_EQ(endpoints_of(world, "web.example.com"), "10.0.0.1:8080 10.0.0.2:8080");
  EXPECT_THAT(world.findings(),
              HasSubstr("warning: Ingress default/web: spec.rules[0].http.paths[0].backend: "
                        "service-upstream has no effect: Service \"web\" has no cluster IP"));
  world.apply(service("10.96.0.7"));
  EXPECT_EQ(world.findings(), "");
}

TEST(ServiceUpstream, AnExternalNameHasNoClusterIpToMiss) {
  World world;
  world.apply(
      "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: ExternalName, "
      "externalName: web.example.org, ports: [{name: http, port: 80}]}\n" +
      ingress(kOn));
  EXPECT_THAT(world.findings(), ::testing::Not(HasSubstr("service-upstream")));
}

TEST(ServiceUpstream, TheConfigMapSaysItForAllAndAnAnnotationForOne) {
  World world(Options{.config_map = "default/settings"});
  world.apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {service-upstream: "
      "\"true\"}\n" +
      service("10.96.0.7") + ingress("") + ingress(kOff, "other"));
  EXPECT_EQ(endpoints_of(world, "web.example.com"), "10.96.0.7:80");
  EXPECT_EQ(endpoints_of(world, "other.example.com"), "10.0.0.1:8080 10.0.0.2:8080");
}

}  // namespace
}  // namespace portico::translate
