#include "controller/translate/client_authorities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"
#include "tls/testing/certificates.h"

namespace portico::translate {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::World;

const std::string& authority_pem() {
  static const auto kPem = tls::testing::Authority().pem();
  return kPem;
}

std::string indented(std::string text) {
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 5)) {
    text.insert(at + 1, "    ");
  }
  return text;
}

std::string ca_secret(std::string_view name, const std::string& pem) {
  return "---\napiVersion: v1\nkind: Secret\ntype: Opaque\nmetadata: {name: " + std::string(name) +
         "}\nstringData:\n  ca.crt: |\n    " + indented(pem) + "\n";
}

struct Site {
  std::string name;
  std::string host = "a.example.com";
  std::string created = "2024-01-01T00:00:00Z";
  std::vector<std::pair<std::string, std::string>> annotations;
};

std::string yaml(const Site& site) {
  auto text = testing::ingress_yaml(site.name, site.host, "/" + site.name, "web", site.created);
  std::string annotations = "annotations: {";
  for (const auto& [name, value] : site.annotations) {
    annotations += "nginx.ingress.kubernetes.io/" + name + ": \"" + value + "\", ";
  }
  return text.insert(text.find("creationTimestamp"), annotations + "}, ");
}

const routing::HostTls* tls_of(const World& world, std::string_view host = "a.example.com") {
  const auto* spec = world.translator.snapshot().hosts.find(host);
  return spec == nullptr ? nullptr : spec->tls.get();
}

TEST(ClientAuthorities, AreThoseOfTheSecret) {
  World world;
  world.apply(yaml({.name = "web", .annotations = {{"auth-tls-secret", "default/ca"}}}) +
              ca_secret("ca", authority_pem()));
  const auto* tls = tls_of(world);
  ASSERT_NE(tls, nullptr);
  EXPECT_EQ(tls->refused_because, "");
  EXPECT_EQ(tls->verify, routing::ClientVerification::kOn);
  EXPECT_EQ(tls->verify_depth, 1);
  EXPECT_THAT(tls->authorities_pem, HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_THAT(world.findings(), Not(HasSubstr("auth-tls")));
  const auto uses = world.translator.take_secret_uses();
  ASSERT_EQ(uses.size(), 1);
  EXPECT_EQ(uses[0].key, "default/ca");
  EXPECT_TRUE(uses[0].used);
}

TEST(ClientAuthorities, ThatCantBeHadCloseTheHostUntilTheyCan) {
  World world;
  const auto site = yaml({.name = "web", .annotations = {{"auth-tls-secret", "ca"}}});
  world.apply(site);
  ASSERT_NE(tls_of(world), nullptr);
  EXPECT_THAT(tls_of(world)->refused_because, HasSubstr("there is no Secret \"default/ca\""));
  EXPECT_THAT(world.findings(), HasSubstr("there is no Secret \"default/ca\": all requests for"));
  world.apply(ca_secret("ca", "nonsense"));
  EXPECT_THAT(tls_of(world)->refused_because, HasSubstr("ca.crt holds no PEM certificate"));
  EXPECT_FALSE(tls_of(world)->has_authorities());
  world.apply(ca_secret("ca", authority_pem()));
  EXPECT_EQ(tls_of(world)->refused_because, "");
  EXPECT_THAT(world.findings(), Not(HasSubstr("auth-tls")));
  world.remove(ca_secret("ca", authority_pem()));
  EXPECT_NE(tls_of(world)->refused_because, "");
}

TEST(ClientAuthorities, OfAnotherNamespaceAreNotLookedAt) {
  World world;
  world.apply(yaml({.name = "web", .annotations = {{"auth-tls-secret", "other/ca"}}}));
  EXPECT_THAT(tls_of(world)->refused_because, HasSubstr("another namespace"));
  EXPECT_THAT(world.findings(), HasSubstr("Secret \"other/ca\" is in another namespace"));
  EXPECT_THAT(world.translator.take_secret_uses(), IsEmpty());
}

TEST(ClientAuthorities, OfTheOldestIngressHoldForTheWholeHost) {
  const auto other = tls::testing::Authority("other").pem();
  World world;
  world.apply(yaml({.name = "young",
                    .created = "2024-02-01T00:00:00Z",
                    .annotations = {{"auth-tls-secret", "young"}}}) +
              yaml({.name = "old", .annotations = {{"auth-tls-secret", "old"}}}) +
              yaml({.name = "open", .created = "2023-01-01T00:00:00Z"}) +
              ca_secret("young", other) + ca_secret("old", authority_pem()));
  EXPECT_EQ(tls_of(world)->authority_secret, "default/old");
  world.remove(yaml({.name = "old"}));
  EXPECT_EQ(tls_of(world)->authority_secret, "default/young");
  world.remove(yaml({.name = "young"}));
  EXPECT_EQ(tls_of(world), nullptr);
}

TEST(ClientAuthorities, ThatNobodyNamesCloseAHostThatDemandsCertificates) {
  World world;
  world.apply(yaml({.name = "web", .annotations = {{"auth-tls-verify-client", "on"}}}));
  EXPECT_NE(tls_of(world)->refused_because, "");
  EXPECT_THAT(world.findings(), HasSubstr("no Secret with authorities is named"));
  world.apply(yaml({.name = "ca", .annotations = {{"auth-tls-secret", "ca"}}}) +
              ca_secret("ca", authority_pem()));
  EXPECT_EQ(tls_of(world)->refused_because, "");
}

// Why the paths of the Ingress are denied; "": they are served.
std::string denial_of(const World& world, std::string_view ingress) {
  const auto* spec = world.translator.snapshot().hosts.find("a.example.com");
  for (const auto& route : spec->routes) {
    if (route->origin.name == ingress) {
      return route->policy->denied_because;
    }
  }
  return "there is no such Ingress";
}

using Annotations = std::vector<std::pair<std::string, std::string>>;
struct Disagreement {
  const char* name;
  Annotations old;    // whose authorities are of Secret "ca"
  Annotations young;  // what the younger Ingress asks
  const char* denial;
  bool is_told;
};

// "first" and "again" are the same authorities, "other" are others.
TEST(ClientAuthorities, OfAnIngressThatTheOldestDoesNotDoJusticeToCloseItsPaths) {
  const Disagreement rows[] = {
      {"Same", {}, {{"auth-tls-secret", "ca"}}, "", false},
      {"SameByAnotherSecret", {}, {{"auth-tls-secret", "again"}}, "", false},
      {"Stricter", {}, {{"auth-tls-secret", "ca"}, {"auth-tls-verify-client", "off"}}, "", true},
      {"Nothing", {}, {}, "", false},
      {"OnWhereNobodyLooks",
       {{"auth-tls-verify-client", "off"}},
       {{"auth-tls-secret", "ca"}},
       "certificates are not demanded",
       true},
      {"OnWhereItIsOptional",
       {{"auth-tls-verify-client", "optional"}},
       {{"auth-tls-verify-client", "on"}},
       "certificates are not demanded",
       true},
      {"OtherAuthorities",
       {},
       {{"auth-tls-secret", "other"}},
       "certificates are judged by other authorities, CRLs or a greater depth",
       true},
      {"OtherAuthoritiesWhoseVerdictIsHandedOn",
       {},
       {{"auth-tls-secret", "other"}, {"auth-tls-verify-client", "optional"}},
       "certificates are judged by other authorities, CRLs or a greater depth",
       true},
      {"ShorterChains",
       {{"auth-tls-verify-depth", "3"}},
       {{"auth-tls-secret", "ca"}},
       "certificates are judged by other authorities, CRLs or a greater depth",
       true},
      {"ASubject", {}, {{"auth-tls-match-cn", "CN=alice"}}, "another subject is asked for", true},
      {"SameSubject",
       {{"auth-tls-match-cn", "CN=alice"}},
       {{"auth-tls-match-cn", "CN=alice"}},
       "",
       false},
      {"AnotherPage",
       {},
       {{"auth-tls-secret", "ca"}, {"auth-tls-error-page", "https://example.com/"}},
       "",
       true},
  };
  const auto secrets = ca_secret("ca", authority_pem()) + ca_secret("again", authority_pem()) +
                       ca_secret("other", tls::testing::Authority("other").pem());
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    World world;
    auto old = row.old;
    old.emplace_back("auth-tls-secret", "ca");
    world.apply(
        yaml({.name = "young", .created = "2024-02-01T00:00:00Z", .annotations = row.young}) +
        secrets);
    world.apply(yaml({.name = "old", .annotations = old}));
    EXPECT_EQ(denial_of(world, "old"), "");
    EXPECT_THAT(denial_of(world, "young"),
                *row.denial == '\0' ? ::testing::Matcher<std::string>("")
                                    : ::testing::Matcher<std::string>(HasSubstr(row.denial)));
    EXPECT_EQ(world.findings().contains("Ingress default/old hold for the whole host"),
              row.is_told);
    world.remove(yaml({.name = "old"}));
    EXPECT_EQ(denial_of(world, "young"), "");
  }
}

TEST(ClientAuthorities, CanNotGuardADefaultBackend) {
  World world;
  world.apply(
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations:\n"
      "    nginx.ingress.kubernetes.io/auth-tls-secret: default/ca\n"
      "spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n");
  const auto& route = world.translator.snapshot().default_route;
  ASSERT_NE(route, nullptr);
  EXPECT_NE(route->policy->denied_because, "");
  EXPECT_THAT(world.findings(), HasSubstr("spec.defaultBackend"));
}

}  // namespace
}  // namespace portico::translate
