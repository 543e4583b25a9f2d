#include "controller/translate/certificate_claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"
#include "tls/testing/certificates.h"

namespace portico::translate {
namespace {

using ::testing::HasSubstr;
using testing::World;

std::string secret(std::string_view name, const std::vector<std::string>& names) {
  const auto pair = tls::testing::make_certificate({.names = names});
  return testing::secret_yaml(name, pair->chain_pem, pair->key_pem);
}

// The chain of one certificate with the key of another.
std::string mismatched(std::string_view name, const std::vector<std::string>& names) {
  const auto chain = tls::testing::make_certificate({.names = names});
  const auto key = tls::testing::make_certificate({.names = names});
  return testing::secret_yaml(name, chain->chain_pem, key->key_pem);
}

// An Ingress with a rule for `host` and the `tls` list, a flow sequence.
std::string ingress(std::string_view name, std::string_view host, std::string_view tls,
                    std::string_view created = "2024-01-01T00:00:00Z") {
  return testing::ingress_yaml(name, host, "/", "web", created) + "  tls: " + std::string(tls) +
         "\n";
}

class Certificates : public ::testing::Test {
 protected:
  Certificates() { world.apply(testing::service_yaml("web")); }
  World world;
};

TEST_F(Certificates, ListedHostGetsItsSecret) {
  world.apply(secret("a", {"a.example.com"}) +
              ingress("web", "a.example.com", "[{hosts: [a.example.com], secretName: a}]"));
  EXPECT_EQ(world.certificate("a.example.com"), "default/a");
  EXPECT_TRUE(world.redirects("a.example.com"));
  EXPECT_EQ(world.findings(), "");
}

TEST_F(Certificates, SecretMayComeLater) {
  world.apply(ingress("web", "a.example.com", "[{hosts: [a.example.com], secretName: a}]"));
  EXPECT_EQ(world.certificate("a.example.com"), "default");
  EXPECT_FALSE(world.redirects("a.example.com"));
  EXPECT_THAT(
      world.findings(),
      HasSubstr(
          "error: Ingress default/web: spec.tls[0].secretName: there is no Secret \"default/a\""));
  world.apply(secret("a", {"a.example.com"}));
  EXPECT_TRUE(world.redirects("a.example.com"));
  EXPECT_EQ(world.findings(), "");
}

TEST_F(Certificates, DeletedSecretIsGone) {
  const auto a = secret("a", {"a.example.com"});
  world.apply(a + ingress("web", "a.example.com", "[{hosts: [a.example.com], secretName: a}]"));
  world.remove(a);
  EXPECT_EQ(world.certificate("a.example.com"), "default");
  EXPECT_FALSE(world.redirects("a.example.com"));
}

TEST_F(Certificates, EntryWithoutHostsServesTheRuleHostsThatItCovers) {
  world.apply(secret("a", {"*.example.com"}) +
              ingress("web", "a.example.com", "[{secretName: a}]") +
              ingress("other", "a.example.org", "[{secretName: a}]"));
  EXPECT_EQ(world.certificate("a.example.com"), "default/a");
  EXPECT_EQ(world.certificate("a.example.org"), "default");
}

TEST_F(Certificates, EntryWithoutHostsFollowsItsSecret) {
  world.apply(secret("a", {"a.example.com"}) +
              ingress("web", "a.example.com", "[{secretName: a}]"));
  world.apply(secret("a", {"b.example.com"}));
  EXPECT_EQ(world.certificate("a.example.com"), "default");
}

TEST_F(Certificates, OldestIngressWinsAHost) {
  world.apply(secret("a", {"a.example.com"}) + secret("b", {"a.example.com"}) +
              ingress("young", "a.example.com", "[{hosts: [a.example.com], secretName: a}]") +
              testing::ingress_yaml("zold", "b.example.com", "/", "web", "2023-01-01T00:00:00Z") +
              "  tls: [{hosts: [a.example.com], secretName: b}]\n");
  EXPECT_EQ(world.certificate("a.example.com"), "default/b");
  EXPECT_THAT(
      world.findings(),
      HasSubstr("warning: Ingress default/young: spec.tls[0]: host \"a.example.com\" has the "
                "certificate of Secret \"default/b\" already"));
}

TEST_F(Certificates, WildcardCertificateRedirectsTheHostsBelowIt) {
  world.apply(testing::ingress_yaml("plain", "a.example.com", "/", "web"));
  EXPECT_FALSE(world.redirects("a.example.com"));
  const auto wildcard =
      ingress("wild", "*.example.com", "[{hosts: ['*.example.com'], secretName: w}]");
  world.apply(secret("w", {"*.example.com"}) + wildcard);
  EXPECT_TRUE(world.redirects("a.example.com"));
  EXPECT_TRUE(world.redirects("*.example.com"));
  world.remove(wildcard);
  EXPECT_FALSE(world.redirects("a.example.com"));
}

TEST_F(Certificates, BadSecretKeepsTheLastGoodOne) {
  world.apply(secret("a", {"a.example.com"}) +
              ingress("web", "a.example.com", "[{hosts: [a.example.com], secretName: a}]"));
  const auto* good = world.translator.snapshot().certificates.find("a.example.com");
  for (const auto& bad :
       {mismatched("a", {"a.example.com"}), testing::secret_yaml("a", "rubbish", "rubbish"),
        std::string("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: Opaque\nstringData: "
                    "{x: y}\n")}) {
    EXPECT_EQ(world.apply(bad).impact, Impact::kIrrelevant);
    EXPECT_EQ(world.translator.snapshot().certificates.find("a.example.com"), good);
    EXPECT_TRUE(world.redirects("a.example.com"));
    EXPECT_THAT(world.findings(), HasSubstr("error: Secret default/a: data"));
    EXPECT_THAT(world.findings(), HasSubstr("can't be served for Ingress default/web"));
  }
  world.apply(secret("a", {"a.example.com"}));
  EXPECT_NE(world.translator.snapshot().certificates.find("a.example.com"), good);
  EXPECT_EQ(world.findings(), "");
}

TEST_F(Certificates, IngressThatMovesToABadSecretKeepsItsCertificate) {
  world.apply(secret("a", {"a.example.com"}) +
              ingress("web", "a.example.com", "[{hosts: [a.example.com], secretName: a}]"));
  world.apply(mismatched("b", {"a.example.com"}) +
              ingress("web", "a.example.com", "[{hosts: [a.example.com], secretName: b}]"));
  EXPECT_EQ(world.certificate("a.example.com"), "default/a");
}

TEST_F(Certificates, BadFromTheStartServesNothing) {
  world.apply(mismatched("a", {"a.example.com"}) +
              ingress("web", "a.example.com", "[{hosts: [a.example.com], secretName: a}]"));
  EXPECT_EQ(world.certificate("a.example.com"), "default");
  EXPECT_THAT(world.findings(), HasSubstr("can't be served"));
}

TEST_F(Certificates, UncoveredHostIsServedAndSaidSo) {
  for (const bool checking : {false, true}) {
    World strict({.checking = checking});
    strict.apply(testing::service_yaml("web") + secret("a", {"b.example.com"}) +
                 ingress("web", "a.example.com", "[{hosts: [a.example.com], secretName: a}]"));
    EXPECT_EQ(strict.certificate("a.example.com"), "default/a");
    EXPECT_THAT(strict.findings(),
                HasSubstr(std::string(checking ? "error" : "warning") +
                          ": Ingress default/web: spec.tls[0].secretName: the certificate of "
                          "Secret \"default/a\" does "
                          "not cover host \"a.example.com\"; it covers: b.example.com"));
  }
}

TEST_F(Certificates, SameBytesKeepTheirPointer) {
  const auto a = secret("a", {"a.example.com"});
  world.apply(a + ingress("web", "a.example.com", "[{hosts: [a.example.com], secretName: a}]"));
  EXPECT_EQ(world.apply(a).impact, Impact::kIrrelevant);
}

TEST_F(Certificates, EntryWithoutSecretWarns) {
  world.apply(ingress("web", "a.example.com", "[{hosts: [a.example.com]}]"));
  EXPECT_FALSE(world.redirects("a.example.com"));
  EXPECT_THAT(world.findings(),
              HasSubstr("warning: Ingress default/web: spec.tls[0].secretName: names no Secret"));
}

}  // namespace
}  // namespace portico::translate
