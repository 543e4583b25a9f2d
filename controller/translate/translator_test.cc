#include "controller/translate/translator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"

namespace portico::translate {
namespace {

using ::testing::HasSubstr;
using testing::ingress_yaml;
using testing::service_yaml;
using testing::slice_yaml;
using testing::World;

constexpr const char* kOlder = "2023-01-01T00:00:00Z";

std::string default_ingress(std::string_view name, std::string_view service,
                            std::string_view created) {
  return "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: " +
         std::string(name) + ", creationTimestamp: \"" + std::string(created) +
         "\"}\nspec: {defaultBackend: {service: {name: " + std::string(service) +
         ", port: {number: 80}}}}\n";
}

std::string default_route(const World& world) {
  const auto& route = world.translator.snapshot().default_route;
  return route == nullptr ? "none" : route->backend;
}

TEST(Translator, DuplicateNamesTheOlderAsWinner) {
  World world;
  world.apply(service_yaml("web") + ingress_yaml("young", "a.example.com", "/a", "web") +
              ingress_yaml("zold", "a.example.com", "/a/", "web", kOlder));
  EXPECT_EQ(world.findings(),
            "error: Ingress default/young: spec.rules[0].http.paths[0].path: host "
            "\"a.example.com\" with Prefix path "
            "\"/a\" is already served by Ingress default/zold (spec.rules[0].http.paths[0]): its "
            "object is older\n");
}

TEST(Translator, DuplicateOfOneAgeIsWonByName) {
  World world;
  world.apply(service_yaml("web") + ingress_yaml("b", "a.example.com", "/a", "web") +
              ingress_yaml("a", "a.example.com", "/a", "web"));
  EXPECT_THAT(world.findings(), HasSubstr("error: Ingress default/b: "));
  world.remove(ingress_yaml("a", "a.example.com", "/a", "web"));
  EXPECT_EQ(world.findings(), "");
}

TEST(Translator, OldestDefaultBackendServes) {
  World world;
  world.apply(service_yaml("web") + service_yaml("old") +
              default_ingress("a", "web", "2024-01-01T00:00:00Z"));
  EXPECT_EQ(default_route(world), "default/web:80");
  world.apply(default_ingress("b", "old", kOlder));
  EXPECT_EQ(default_route(world), "default/old:80");
  EXPECT_THAT(world.findings(), HasSubstr("warning: Ingress default/a: spec.defaultBackend"));
  world.remove(default_ingress("b", "old", kOlder));
  EXPECT_EQ(default_route(world), "default/web:80");
}

TEST(Translator, FlagsDefaultBackendComesLast) {
  World world({.default_backend_service = "default/fallback"});
  world.apply(service_yaml("fallback") + slice_yaml("fallback", "10.0.0.9"));
  EXPECT_EQ(default_route(world), "default/fallback:");
  EXPECT_EQ(world.backend("default/fallback:"), "10.0.0.9:8080");
  world.apply(service_yaml("web") + default_ingress("a", "web", kOlder));
  EXPECT_EQ(default_route(world), "default/web:80");
}

TEST(Translator, FlagsDefaultBackendThatIsMissingIsAnError) {
  World world({.default_backend_service = "ops/fallback:8080"});
  world.apply("");
  EXPECT_THAT(
      world.findings(),
      HasSubstr("error: Service ops/fallback: --default-backend-service: there is no Service"));
}

TEST(Translator, TellsTheWeightOfAChange) {
  World world;
  const auto slice = slice_yaml("web", "10.0.0.1");
  EXPECT_EQ(world.apply(ingress_yaml("web", "a.example.com", "/", "web")).impact,
            Impact::kStructure);
  EXPECT_EQ(world.apply(service_yaml("web")).impact, Impact::kEndpoints);
  EXPECT_EQ(world.apply(slice).impact, Impact::kEndpoints);
  EXPECT_EQ(world.apply(slice).impact, Impact::kIrrelevant);
  EXPECT_EQ(world.apply(service_yaml("unused")).impact, Impact::kIrrelevant);
  EXPECT_EQ(world.apply(ingress_yaml("web", "a.example.com", "/", "web")).impact,
            Impact::kIrrelevant);
  EXPECT_EQ(world.apply(ingress_yaml("web", "a.example.com", "/b", "web")).impact,
            Impact::kStructure);
  EXPECT_EQ(world.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {}\n").impact,
            Impact::kIrrelevant);
}

TEST(Translator, GenerationGrowsOnlyWithWhatIsServed) {
  World world;
  world.apply(ingress_yaml("web", "a.example.com", "/", "web"));
  const auto generation = world.translator.snapshot().generation;
  world.apply(service_yaml("unused"));
  EXPECT_EQ(world.translator.snapshot().generation, generation);
  world.apply(service_yaml("web"));
  EXPECT_EQ(world.translator.snapshot().generation, generation + 1);
}

TEST(Translator, ChangeKeepsThePointersOfEverythingElse) {
  World world;
  world.apply(service_yaml("web") + ingress_yaml("a", "a.example.com", "/", "web") +
              ingress_yaml("b", "b.example.com", "/", "web"));
  const auto before = world.translator.snapshot();
  world.apply(ingress_yaml("a", "a.example.com", "/other", "web"));
  const auto& after = world.translator.snapshot();
  EXPECT_NE(before.hosts.find("a.example.com"), after.hosts.find("a.example.com"));
  EXPECT_EQ(before.hosts.find("b.example.com"), after.hosts.find("b.example.com"));
  EXPECT_EQ(before.backends.find("default/web:80"), after.backends.find("default/web:80"));
}

TEST(Translator, IngressLeavesWithAllThatIsItsOwn) {
  World world;
  const auto web = ingress_yaml("web", "a.example.com", "/", "web");
  world.apply(web);
  world.remove(web);
  EXPECT_EQ(world.translator.snapshot().hosts.size(), 0U);
  EXPECT_EQ(world.translator.snapshot().backends.size(), 0U);
  EXPECT_EQ(world.findings(), "");
}

TEST(Translator, IngressesFollowTheirClass) {
  World world({.classes = {.classless_folder = false}});
  const std::string ingress_class =
      "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: inside}\n"
      "spec: {controller: portico.dev/ingress-controller}\n";
  world.apply(
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n"
      "  ingressClassName: inside\n  rules: [{host: a.example.com, http: {paths: [{path: /, "
      "pathType: Prefix, "
      "backend: {service: {name: web, port: {number: 80}}}}]}}]\n");
  EXPECT_EQ(world.routes("a.example.com"), "none");
  world.apply(ingress_class);
  EXPECT_EQ(world.routes("a.example.com"), "Prefix / -> default/web:80\n");
  world.remove(ingress_class);
  EXPECT_EQ(world.routes("a.example.com"), "none");
}

TEST(Translator, RaisesAFindingOnce) {
  World world;
  const auto web = ingress_yaml("web", "a.example.com", "/", "web");
  EXPECT_THAT(world.apply(web).raised, ::testing::SizeIs(1));
  EXPECT_THAT(world.apply(web).raised, ::testing::IsEmpty());
  EXPECT_THAT(world.translator.diagnostics(), ::testing::SizeIs(1));
}

TEST(Translator, FindingNamesFileAndLine) {
  World world;
  world.apply(service_yaml("web") + ingress_yaml("web", "a.example.com", "/", "nowhere"));
  const auto found = world.translator.diagnostics().at(0);
  EXPECT_EQ(found.file, "test.yaml");
  EXPECT_GT(found.line, 1);
}

}  // namespace
}  // namespace portico::translate
