#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"

namespace portico::translate {
namespace {

using ::testing::HasSubstr;
using testing::World;

std::string asking(std::string_view host, std::string_view path) {
  return fmt::format(
      "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: asking\n"
      "  namespace: default\n  annotations: {{nginx.ingress.kubernetes.io/ssl-passthrough: "
      "\"true\"}}\nspec:\n  ingressClassName: portico\n  rules:\n  - host: {}\n    http:\n      "
      "paths:\n      - {{path: {}, pathType: Prefix, backend: {{service: {{name: web, port: "
      "{{number: 80}}}}}}}}\n",
      host, path);
}

bool passes_through(const World& world, std::string_view host) {
  return world.translator.snapshot().hosts.find(host)->ssl_passthrough;
}

TEST(Passthrough, IsOfTheWholeHostOnceItIsSwitchedOn) {
  World world({.ssl_passthrough = true});
  world.apply(testing::service_yaml("web") + asking("a.example.com", "/") +
              testing::ingress_yaml("other", "b.example.com", "/", "web"));
  EXPECT_TRUE(passes_through(world, "a.example.com"));
  EXPECT_FALSE(passes_through(world, "b.example.com"));
  EXPECT_EQ(world.findings(), "");
}

TEST(Passthrough, SaysWhatStandsAgainstIt) {
  World off({});
  off.apply(testing::service_yaml("web") + asking("a.example.com", "/"));
  EXPECT_FALSE(passes_through(off, "a.example.com"));
  EXPECT_THAT(off.findings(), HasSubstr("passthrough is not switched on"));

  World rootless({.ssl_passthrough = true});
  rootless.apply(testing::service_yaml("web") + asking("a.example.com", "/app"));
  EXPECT_FALSE(passes_through(rootless, "a.example.com"));
  EXPECT_THAT(rootless.findings(), HasSubstr("no rule has the path \"/\""));
}

TEST(Passthrough, GivesWayToClientCertificatesWhicheverIngressDemandsThem) {
  World world({.ssl_passthrough = true});
  auto guarded = testing::ingress_yaml("guarded", "a.example.com", "/admin", "web");
  guarded.insert(guarded.find("creationTimestamp"),
                 "annotations: {nginx.ingress.kubernetes.io/auth-tls-secret: ca}, ");
  world.apply(testing::service_yaml("web") + asking("a.example.com", "/") + guarded);
  EXPECT_FALSE(passes_through(world, "a.example.com"));
  EXPECT_THAT(world.findings(), HasSubstr("clients' certificates are demanded"));
  world.remove(guarded);
  EXPECT_TRUE(passes_through(world, "a.example.com"));
  EXPECT_EQ(world.findings(), "");
}

}  // namespace
}  // namespace portico::translate
