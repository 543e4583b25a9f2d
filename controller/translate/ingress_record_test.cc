#include "controller/translate/ingress_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"

namespace portico::translate {
namespace {

using ::testing::HasSubstr;
using testing::ingress_yaml;
using testing::service_yaml;
using testing::World;

// An Ingress "web" on a.example.com whose one path is `path`, a flow map.
std::string with_path(std::string_view path) {
  return "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n  rules:\n"
         "  - host: a.example.com\n    http:\n      paths:\n"
         "      - " +
         std::string(path) +
         "\n"
         "      - {path: /good, pathType: Prefix, backend: {service: {name: web, port: {number: "
         "80}}}}\n";
}

const std::string kBackend = ", backend: {service: {name: web, port: {number: 80}}}}";

struct Case {
  const char* name;
  std::string path;
  const char* routes;   // before "/good"
  const char* finding;  // "" none
};

std::ostream& operator<<(std::ostream& out, const Case& row) {
  return out << row.name;
}

class PathCase : public ::testing::TestWithParam<Case> {};

TEST_P(PathCase, ServesOrIsSkippedAlone) {
  const auto& row = GetParam();
  World world;
  world.apply(with_path(row.path + kBackend) + service_yaml("web"));
  EXPECT_EQ(world.routes("a.example.com"),
            std::string(row.routes) + "Prefix /good -> default/web:80\n");
  if (*row.finding == '\0') {
    EXPECT_EQ(world.findings(), "");
  } else {
    EXPECT_THAT(world.findings(), HasSubstr(row.finding));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, PathCase,
    ::testing::Values(
        Case{"Exact", "{path: /a, pathType: Exact", "Exact /a -> default/web:80\n", ""},
        Case{"Prefix", "{path: /a, pathType: Prefix", "Prefix /a -> default/web:80\n", ""},
        Case{"ImplementationSpecific", "{path: /a, pathType: ImplementationSpecific",
             "ImplementationSpecific /a -> default/web:80\n", ""},
        Case{"ImplementationSpecificWithoutPathIsRoot", "{pathType: ImplementationSpecific",
             "ImplementationSpecific / -> default/web:80\n", ""},
        Case{"UnknownType", "{path: /a, pathType: Regex", "",
             "error: Ingress default/web: spec.rules[0].http.paths[0].pathType: \"Regex\" is no "
             "pathType"},
        Case{"Relative", "{path: a, pathType: Prefix", "",
             "error: Ingress default/web: spec.rules[0].http.paths[0].path: \"a\" does not begin "
             "with \"/\""},
        Case{"PrefixWithoutPath", "{path: \"\", pathType: Prefix", "",
             "paths[0].path: \"\" does not begin"},
        Case{"DotSegments", "{path: /a/../b, pathType: Exact", "", "\"/a/../b\" holds \"/../\""},
        Case{"DoubledSlash", "{path: /a//b, pathType: Prefix", "", "\"/a//b\" holds \"//\""},
        Case{"EncodedSlash", "{path: /a%2Fb, pathType: Prefix", "", "holds \"%2F\""},
        Case{"RegularExpression", "{path: /a/(.*), pathType: ImplementationSpecific",
             "ImplementationSpecific /a/(.*) -> default/web:80\n",
             "warning: Ingress default/web: spec.rules[0].http.paths[0].path: \"/a/(.*)\" looks "
             "like "
             "a regular expression"},
        Case{"EncodedNul", "{path: /a%00, pathType: Exact", "", "no request can match \"/a%00\""}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Ingress, BadHostSkipsItsRuleOnly) {
  for (const auto* host :
       {"10.0.0.1", "a.example.com:80", "*", "a.*.com", "-a.example.com", "a_b/c"}) {
    World world;
    world.apply(ingress_yaml("bad", host, "/", "web") +
                ingress_yaml("good", "b.example.com", "/", "web") + service_yaml("web"));
    EXPECT_EQ(world.translator.snapshot().hosts.size(), 1U) << host;
    EXPECT_THAT(world.findings(), HasSubstr("error: Ingress default/bad: spec.rules[0].host: \"" +
                                            std::string(host)));
  }
}

TEST(Ingress, HostIsComparedInLowerCase) {
  World world;
  world.apply(ingress_yaml("web", "A.Example.COM", "/", "web") + service_yaml("web"));
  EXPECT_EQ(world.routes("a.example.com"), "Prefix / -> default/web:80\n");
}

TEST(Ingress, WithoutRulesAndDefaultBackendServesNothing) {
  World world;
  world.apply("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {}\n");
  EXPECT_THAT(world.findings(), HasSubstr("there are neither rules nor a defaultBackend"));
}

TEST(Ingress, HostWithoutPathsGoesToItsDefaultBackend) {
  World world;
  world.apply(
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n"
      "  defaultBackend: {service: {name: web, port: {number: 80}}}\n  rules: [{host: "
      "a.example.com}]\n" +
      service_yaml("web"));
  EXPECT_EQ(world.routes("a.example.com"), "Prefix / -> default/web:80\n");
  EXPECT_EQ(world.findings(), "");
}

TEST(Ingress, OfAnotherClassIsNotServed) {
  World world({.checking = true});
  world.apply(
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n"
      "  ingressClassName: nginx-example\n  rules: [{host: a.example.com}]\n");
  EXPECT_EQ(world.routes("a.example.com"), "none");
  EXPECT_THAT(world.findings(),
              HasSubstr("error: Ingress default/web: spec.ingressClassName: no IngressClass named "
                        "\"nginx-example\""));
}

TEST(Ingress, CanaryServesNothingByItself) {
  World world;
  world.apply(
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations:\n"
      "    nginx.ingress.kubernetes.io/canary: \"true\"\nspec: {rules: [{host: a.example.com, "
      "http: {paths: "
      "[{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}\n");
  EXPECT_EQ(world.routes("a.example.com"), "none");
}

std::string guarded(std::string_view annotation, std::string_view path,
                    std::string_view value = "x") {
  auto text = ingress_yaml("guarded", "a.example.com", path, "web");
  const auto place = text.find("creationTimestamp");
  return text.insert(place, "annotations: {nginx.ingress.kubernetes.io/" + std::string(annotation) +
                                ": \"" + std::string(value) + "\"}, ");
}

TEST(Ingress, UnservedGuardDeniesItsOwnRoutes) {
  World world;
  world.apply(guarded("auth-url", "/private") + ingress_yaml("open", "a.example.com", "/", "web") +
              service_yaml("web"));
  EXPECT_EQ(world.routes("a.example.com"),
            "Prefix /private -> default/web:80 denied\nPrefix / -> default/web:80\n");
  EXPECT_THAT(
      world.findings(),
      HasSubstr("error: Ingress default/guarded: "
                "metadata.annotations[nginx.ingress.kubernetes.io/auth-url]: \"x\" guards"));
}

TEST(Ingress, UnservedGuardOfTheHostDeniesItsNeighboursToo) {
  World world;
  world.apply(guarded("server-snippet", "/private", "deny all;") +
              ingress_yaml("open", "a.example.com", "/", "web") + service_yaml("web"));
  EXPECT_EQ(world.routes("a.example.com"),
            "Prefix /private -> default/web:80 denied\nPrefix / -> default/web:80 denied\n");
  world.remove(guarded("server-snippet", "/private", "deny all;"));
  EXPECT_EQ(world.routes("a.example.com"), "Prefix / -> default/web:80\n");
}

}  // namespace
}  // namespace portico::translate
