#include "controller/translate/config_map.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/config_map_page.h"
#include "controller/translate/testing/manifests.h"
#include "tls/testing/certificates.h"

namespace portico::translate {
namespace {

using namespace std::chrono_literals;
using routing::Severity;
using ::testing::HasSubstr;
using testing::ingress_yaml;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::service_yaml;
using ::testing::SizeIs;
using testing::World;

ConfigMapReading read(std::string_view key, std::string_view value) {
  kube::ConfigMap object;
  object.meta.namespace_ = "ingress";
  object.meta.name = "settings";
  object.data.emplace(key, value);
  return read_config_map("ingress/settings", &object);
}

TEST(ConfigMapTable, NamesEachKeyOnce) {
  std::set<std::string_view> names;
  for (const auto& row : config_map_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.meaning.empty()) << row.name;
    EXPECT_EQ(row.support == Support::kServed, row.read != nullptr || row.read_setting != nullptr)
        << row.name;
  }
  EXPECT_GE(names.size(), 192U);  // those of ingress-nginx 1.15
}

TEST(ConfigMapTable, TellsTheDefaultsThatHold) {
  // Saying nothing is kept apart: one earns a warning, the other is as long as a ticket's key
  // lives.
  const std::set<std::string_view> said_apart = {"proxy-real-ip-cidr", "ssl-session-timeout"};
  for (const auto& row : config_map_table()) {
    if (row.read_setting == nullptr || row.default_value.empty()) {
      continue;
    }
    routing::Settings settings;
    EXPECT_TRUE(row.read_setting(row.default_value, settings)) << row.name;
    EXPECT_EQ(settings == routing::Settings(), !said_apart.contains(row.name)) << row.name;
  }
}

TEST(ConfigMap, SetsTheDefaultsOfRoutes) {
  EXPECT_FALSE(read("ssl-redirect", "false").defaults.ssl_redirect);
  EXPECT_TRUE(read("force-ssl-redirect", "true").defaults.force_ssl_redirect);
  EXPECT_EQ(read("proxy-body-size", "8m").defaults.max_body_bytes, 8U << 20);
  EXPECT_EQ(read("proxy-connect-timeout", "7").defaults.connect_timeout, 7s);
  EXPECT_EQ(read("proxy-send-timeout", "8").defaults.send_timeout, 8s);
  EXPECT_EQ(read("proxy-read-timeout", "3600").defaults.read_timeout, 3600s);
}

TEST(ConfigMap, SetsWhatHoldsForAllHosts) {
  EXPECT_EQ(read("proxy-body-size", "8m").settings, routing::Settings());
  EXPECT_FALSE(read("hsts", "false").settings.hsts);
  EXPECT_EQ(read("hsts-max-age", "600").settings.hsts_max_age_seconds, 600U);
  EXPECT_FALSE(read("hsts-include-subdomains", "false").settings.hsts_include_subdomains);
  EXPECT_TRUE(read("hsts-preload", "true").settings.hsts_preload);
  EXPECT_THAT(read("hsts-max-age", "-1").diagnostics, SizeIs(1));
}

TEST(ConfigMap, BadValueKeepsTheBuiltInDefaultAndIsAnError) {
  const auto reading = read("proxy-read-timeout", "60s");
  EXPECT_EQ(reading.defaults, routing::Policy());
  EXPECT_THAT(testing::lines(reading.diagnostics),
              HasSubstr("error: ConfigMap ingress/settings: data.proxy-read-timeout: \"60s\" is "
                        "not a whole number of seconds"));
  const auto without_default = read("ssl-session-ticket-key", "abc").diagnostics;
  ASSERT_THAT(without_default, SizeIs(1));
  EXPECT_EQ(without_default[0].fix, "correct the value; until then it counts as not given");
}

TEST(ConfigMap, ASecretThatIsBadIsNotShown) {
  const auto lines = testing::lines(read("ssl-session-ticket-key", "c2VjcmV0").diagnostics);
  EXPECT_THAT(lines, HasSubstr("data.ssl-session-ticket-key: the value is not "));
  EXPECT_THAT(lines, Not(HasSubstr("c2VjcmV0")));
}

TEST(ConfigMap, UnservedGuardClosesEveryRoute) {
  for (const auto* key : {"whitelist-source-range", "denylist-source-range", "global-auth-url",
                          "block-cidrs", "block-user-agents", "block-referers"}) {
    const auto reading = read(key, "x");
    EXPECT_THAT(reading.defaults.denied_because, HasSubstr(key));
    ASSERT_THAT(reading.diagnostics, SizeIs(1));
    EXPECT_EQ(reading.diagnostics[0].severity, Severity::kError);
    EXPECT_THAT(reading.diagnostics[0].message, HasSubstr("all routes answer 503"));
    EXPECT_TRUE(read(key, " ").defaults.denied_because.empty()) << key;
  }
}

TEST(ConfigMap, SnippetClosesOnlyWhereItGuardsAccess) {
  EXPECT_FALSE(read("http-snippet", "deny all;").defaults.denied_because.empty());
  const auto harmless = read("http-snippet", "gzip_vary on;");
  EXPECT_TRUE(harmless.defaults.denied_because.empty());
  EXPECT_THAT(harmless.diagnostics, SizeIs(1));
}

TEST(ConfigMap, OthersWarnUnlessTheyAskForWhatHappensAnyway) {
  for (const auto* key : {"enable-opentelemetry", "use-forwarded-headers", "use-proxy-protocol"}) {
    ASSERT_THAT(read(key, "true").diagnostics, SizeIs(1)) << key;
    EXPECT_EQ(read(key, "true").diagnostics[0].severity, Severity::kWarning) << key;
    EXPECT_THAT(read(key, "false").diagnostics, IsEmpty()) << key;
  }
}

TEST(ConfigMap, UnknownKeySuggestsTheNearest) {
  const auto reading = read("proxy-body-sise", "8m");
  ASSERT_THAT(reading.diagnostics, SizeIs(1));
  EXPECT_EQ(reading.diagnostics[0].severity, Severity::kWarning);
  EXPECT_THAT(reading.diagnostics[0].message, HasSubstr("\"proxy-body-sise\""));
  EXPECT_THAT(reading.diagnostics[0].fix, HasSubstr("\"proxy-body-size\""));
}

std::string settings(std::string_view data) {
  return fmt::format(
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: ingress}}\n"
      "data: {{{}}}\n",
      data);
}

routing::Policy policy_of(const World& world, std::string_view host) {
  return *world.translator.snapshot().hosts.find(host)->routes.at(0)->policy;
}

TEST(ConfigMap, IsTheDefaultOfEveryIngressAndChangesLive) {
  World world({.config_map = "ingress/settings"});
  world.apply(ingress_yaml("web", "a.example.com", "/", "web") + service_yaml("web") +
              settings("proxy-body-size: 8m"));
  EXPECT_EQ(policy_of(world, "a.example.com").max_body_bytes, 8U << 20);
  EXPECT_EQ(world.apply(settings("proxy-body-size: 9m")).impact, Impact::kStructure);
  EXPECT_EQ(policy_of(world, "a.example.com").max_body_bytes, 9U << 20);
  EXPECT_EQ(world.apply(settings("proxy-body-size: 9m, hsts: \"false\"")).impact,
            Impact::kStructure);
  EXPECT_FALSE(world.translator.snapshot().settings->hsts);
  EXPECT_EQ(world.apply(settings("proxy-body-size: 9m, hsts: \"false\", limit-rate: \"5\"")).impact,
            Impact::kIrrelevant);
  world.remove(settings(""));
  EXPECT_EQ(policy_of(world, "a.example.com"), routing::Policy());
  EXPECT_THAT(world.findings(), HasSubstr("warning: ConfigMap ingress/settings: --configmap: there "
                                          "is no ConfigMap \"ingress/settings\""));
}

// As ingress-nginx: the rule's path is looked at, not the request's.
TEST(ConfigMap, NamesPathsThatAreNotRedirectedToHttps) {
  World world({.config_map = "ingress/settings"});
  const auto redirects = [&](std::string_view host) {
    const auto policy = policy_of(world, host);
    return policy.ssl_redirect || policy.force_ssl_redirect;
  };
  world.apply(settings("force-ssl-redirect: \"true\"") + service_yaml("web") +
              ingress_yaml("solver", "a.example.com", "/.well-known/acme-challenge/token", "web") +
              ingress_yaml("plain", "b.example.com", "/plain", "web"));
  EXPECT_FALSE(redirects("a.example.com"));
  EXPECT_TRUE(redirects("b.example.com"));
  EXPECT_EQ(world.apply(settings("no-tls-redirect-locations: \"/other, /plain\"")).impact,
            Impact::kStructure);
  EXPECT_TRUE(redirects("a.example.com"));
  EXPECT_FALSE(redirects("b.example.com"));
  world.apply(settings("no-tls-redirect-locations: \"\""));
  EXPECT_TRUE(redirects("a.example.com"));
  world.remove(settings(""));
  EXPECT_FALSE(redirects("a.example.com"));
  EXPECT_THAT(read("no-tls-redirect-locations", "plain").diagnostics, SizeIs(1));
}

TEST(ConfigMap, AnnotationsComeAfterIt) {
  World world({.config_map = "ingress/settings"});
  world.apply(settings("proxy-body-size: 8m, proxy-read-timeout: \"7\"") +
              "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n"
              "  annotations: {nginx.ingress.kubernetes.io/proxy-body-size: 1k}\n"
              "spec:\n  rules:\n  - host: a.example.com\n    http: {paths: [{path: /, pathType: "
              "Prefix, backend: {service: {name: web, port: {number: 80}}}}]}\n");
  EXPECT_EQ(policy_of(world, "a.example.com").max_body_bytes, 1024U);
  EXPECT_EQ(policy_of(world, "a.example.com").read_timeout, 7s);
}

TEST(ConfigMap, OtherConfigMapsAreNobodysBusiness) {
  World world({.config_map = "ingress/other"});
  world.apply(settings("whitelist-source-range: 10.0.0.0/8") +
              ingress_yaml("web", "a.example.com", "/", "web"));
  EXPECT_EQ(policy_of(world, "a.example.com"), routing::Policy());
  World without;
  without.apply(settings("frobnicate: \"1\""));
  EXPECT_EQ(without.findings(), "");
}

TEST(ConfigMap, GuardClosesTheDefaultBackendServiceToo) {
  World world({.default_backend_service = "default/web", .config_map = "ingress/settings"});
  world.apply(service_yaml("web"));
  EXPECT_EQ(*world.translator.snapshot().default_route->policy, routing::Policy());
  EXPECT_EQ(world.apply(settings("global-auth-url: \"http://auth/\"")).impact, Impact::kStructure);
  EXPECT_THAT(world.translator.snapshot().default_route->policy->denied_because,
              HasSubstr("global-auth-url"));
}

std::string default_secret() {
  const auto pair = tls::testing::make_certificate({.names = {"*.example.com"}});
  return testing::secret_yaml("fallback", pair->chain_pem, pair->key_pem);
}

TEST(DefaultCertificate, IsTheSecretOfTheFlag) {
  World world({.default_ssl_certificate = "default/fallback"});
  world.apply(service_yaml("web"));
  EXPECT_EQ(world.translator.snapshot().default_certificate, nullptr);
  EXPECT_THAT(world.findings(),
              HasSubstr("error: Secret default/fallback: --default-ssl-certificate: there is no "
                        "Secret \"default/fallback\""));
  EXPECT_EQ(world.apply(default_secret()).impact, Impact::kStructure);
  ASSERT_NE(world.translator.snapshot().default_certificate, nullptr);
  EXPECT_EQ(world.translator.snapshot().default_certificate->secret, "default/fallback");
  EXPECT_EQ(world.findings(), "");
}

TEST(DefaultCertificate, IsWantedWhicheverIngressesNameIt) {
  World world({.default_ssl_certificate = "default/fallback"});
  const auto uses = world.translator.take_secret_uses();
  ASSERT_THAT(uses, SizeIs(1));
  EXPECT_EQ(uses.front().key, "default/fallback");
  EXPECT_TRUE(uses.front().used);
  const auto ingress =
      ingress_yaml("web", "a.example.com", "/", "web") + "  tls: [{hosts: [a.example.com]}]\n";
  world.apply(ingress);
  world.remove(ingress);
  EXPECT_THAT(world.translator.take_secret_uses(), IsEmpty());
}

TEST(DefaultCertificate, KeepsItsLastGoodVersion) {
  World world({.default_ssl_certificate = "default/fallback"});
  world.apply(default_secret());
  world.apply(testing::secret_yaml("fallback", "garbage", "garbage"));
  EXPECT_NE(world.translator.snapshot().default_certificate, nullptr);
  EXPECT_THAT(world.findings(), HasSubstr("it can't be served for --default-ssl-certificate"));
}

TEST(DefaultCertificate, ServesTlsEntriesThatNameNoSecretAndTheyRedirect) {
  const auto ingress = ingress_yaml("web", "a.example.com", "/", "web") +
                       "  tls: [{hosts: [a.example.com]}]\n" + service_yaml("web");
  World without;
  without.apply(ingress);
  EXPECT_FALSE(without.redirects("a.example.com"));
  World world({.default_ssl_certificate = "default/fallback"});
  world.apply(default_secret() + ingress);
  EXPECT_EQ(world.certificate("a.example.com"), "default/fallback");
  EXPECT_TRUE(world.redirects("a.example.com"));
  EXPECT_EQ(world.findings(), "");
}

// With PORTICO_WRITE_DOCS set the page is written instead of compared.
TEST(ConfigMapPage, IsTheTablesPrint) {
  constexpr const char* kPath = "docs/configmap.md";
  if (std::getenv("PORTICO_WRITE_DOCS") != nullptr) {
    std::ofstream(kPath) << config_map_page();
  }
  std::ifstream file(kPath);
  ASSERT_TRUE(file) << "run from the root of the sources";
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), config_map_page())
      << "run portico_translate_test with PORTICO_WRITE_DOCS=1";
}

}  // namespace
}  // namespace portico::translate
