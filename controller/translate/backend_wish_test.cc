#include "controller/translate/backend_wish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"
#include "tls/testing/certificates.h"

namespace portico::translate {
namespace {

using routing::BackendProtocol;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::World;

std::string service(std::string_view app_protocol) {
  return "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
         "spec: {ports: [{name: main, port: 80, appProtocol: \"" +
         std::string(app_protocol) + "\"}]}\n";
}

std::string ingress(std::string_view name, std::string_view annotations) {
  return "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: " +
         std::string(name) + "\n  annotations: {" + std::string(annotations) +
         "}\nspec: {rules: [{host: " + std::string(name) +
         ".example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, "
         "port: {number: 80}}}}]}}]}\n";
}

std::string note(std::string_view name, std::string_view value) {
  return "nginx.ingress.kubernetes.io/" + std::string(name) + ": \"" + std::string(value) + "\",";
}

// The backend that a host's only route leads to; null where there is none.
const routing::BackendSpec* backend_of(const World& world, const std::string& host) {
  const auto* spec = world.translator.snapshot().hosts.find(host);
  return spec == nullptr ? nullptr
                         : world.translator.snapshot().backends.find(spec->routes.front()->backend);
}

// "h1", "h2 tls", "h1 auto", or why it is denied.
std::string speech_of(const World& world, const std::string& host = "a.example.com") {
  const auto* backend = backend_of(world, host);
  if (backend == nullptr) {
    return "none";
  }
  if (!backend->denied_because.empty()) {
    return "denied: " + backend->denied_because;
  }
  std::string text = backend->protocol == BackendProtocol::kHttp2 ? "h2" : "h1";
  if (backend->tls != nullptr) {
    text += backend->tls_like_client ? " auto" : " tls";
    text += backend->tls->verifies ? " " + backend->tls->name : "";
  }
  return text;
}

struct Row {
  const char* name;
  const char* protocol;  // the annotation; "" none
  const char* app_protocol;
  const char* speech;
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.name;
}

class SpeechCase : public ::testing::TestWithParam<Row> {};

TEST_P(SpeechCase, IsSpoken) {
  World world;
  const auto& row = GetParam();
  world.apply(service(row.app_protocol) +
              ingress("a", *row.protocol == '\0' ? "" : note("backend-protocol", row.protocol)));
  EXPECT_EQ(speech_of(world), row.speech);
}

INSTANTIATE_TEST_SUITE_P(
    Table, SpeechCase,
    ::testing::Values(Row{"Nothing", "", "", "h1"}, Row{"Http", "HTTP", "", "h1"},
                      Row{"Https", "HTTPS", "", "h1 tls"}, Row{"AnyCase", " https ", "", "h1 tls"},
                      Row{"Grpc", "GRPC", "", "h2"}, Row{"Grpcs", "GRPCS", "", "h2 tls"},
                      Row{"Auto", "AUTO_HTTP", "", "h1 auto"}, Row{"FastCgi", "FCGI", "", "h1"},
                      Row{"ServiceHttps", "", "https", "h1 tls"},
                      Row{"ServiceH2c", "", "kubernetes.io/h2c", "h2"},
                      Row{"ServiceWs", "", "kubernetes.io/ws", "h1"},
                      Row{"ServiceWss", "", "kubernetes.io/wss", "h1 tls"},
                      Row{"ServiceGrpc", "", "grpc", "h2"},
                      Row{"ServiceGrpcs", "", "grpcs", "h2 tls"},
                      Row{"ServiceUnknown", "", "example.com/own", "h1"},
                      Row{"AnnotationWins", "HTTP", "https", "h1"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(BackendWish, TwoIngressesTalkToOneServicePortInTheirOwnWays) {
  World world;
  world.apply(service("") + ingress("a", note("backend-protocol", "GRPC")) +
              ingress("b", note("backend-protocol", "HTTPS")) + ingress("c", ""));
  EXPECT_EQ(speech_of(world, "a.example.com"), "h2");
  EXPECT_EQ(speech_of(world, "b.example.com"), "h1 tls");
  EXPECT_EQ(speech_of(world, "c.example.com"), "h1");
  EXPECT_EQ(world.translator.snapshot().backends.size(), 3U);
  EXPECT_EQ(routing::BackendSpec::name_of(backend_of(world, "a.example.com")->key),
            "default/web:80");
  EXPECT_EQ(world.findings(), "");
}

// A Secret "ca" with the entries that are given.
std::string secret(std::string_view authority, std::string_view extra = "") {
  std::string text =
      "---\napiVersion: v1\nkind: Secret\nmetadata: {name: ca}\nstringData:\n" + std::string(extra);
  if (!authority.empty()) {
    text += "  ca.crt: |\n    ";
    for (const char c : authority) {
      text += c;
      text += c == '\n' ? "    " : "";
    }
    text += "\n";
  }
  return text;
}

const std::string kVerified = note("backend-protocol", "HTTPS") +
                              note("proxy-ssl-secret", "default/ca") +
                              note("proxy-ssl-verify", "on");

TEST(BackendBalance, TwoIngressesBalanceOneServicePortInTheirOwnWays) {
  World world;
  world.apply(service("http") + ingress("a", note("load-balance", "ewma")) +
              ingress("b", note("upstream-hash-by", "$remote_addr")) + ingress("c", ""));
  EXPECT_EQ(backend_of(world, "a.example.com")->balance->strategy, routing::Strategy::kEwma);
  EXPECT_EQ(backend_of(world, "b.example.com")->balance->hash_by, "$remote_addr");
  EXPECT_EQ(backend_of(world, "c.example.com")->balance, nullptr);
  EXPECT_EQ(world.findings(), "");
}

TEST(BackendTls, IsVerifiedBySecretAndTheServicesName) {
  World world;
  const auto authority = tls::testing::make_certificate({.is_authority = true});
  world.apply(service("") + ingress("a", kVerified) + secret(authority->chain_pem));
  EXPECT_EQ(world.findings(), "");
  EXPECT_EQ(speech_of(world), "h1 tls web.default.svc");
  EXPECT_EQ(backend_of(world, "a.example.com")->tls->verify_depth, 1);
}

TEST(BackendTls, TakesTheNameThatIsGiven) {
  World world;
  const auto authority = tls::testing::make_certificate({.is_authority = true});
  world.apply(service("") + secret(authority->chain_pem) +
              ingress("a", kVerified + note("proxy-ssl-name", "API.internal") +
                               note("proxy-ssl-server-name", "on") +
                               note("proxy-ssl-verify-depth", "3") +
                               note("proxy-ssl-protocols", "TLSv1.1 TLSv1.2")));
  const auto& spec = *backend_of(world, "a.example.com")->tls;
  EXPECT_EQ(spec.name, "api.internal");
  EXPECT_TRUE(spec.sends_server_name);
  EXPECT_EQ(spec.verify_depth, 3);
  EXPECT_TRUE(spec.allows_tls12);
  EXPECT_FALSE(spec.allows_tls13);
}

TEST(BackendTls, VerifyingWithoutAnAuthorityIsDenied) {
  World world;
  world.apply(service("") + ingress("a", kVerified));
  EXPECT_EQ(speech_of(world), "denied: there is no Secret \"default/ca\"");
  EXPECT_THAT(world.findings(),
              HasSubstr("there is no Secret \"default/ca\": the rule answers 503"));
  world.apply(secret("", "  other: x\n"));
  EXPECT_EQ(speech_of(world),
            "denied: Secret \"default/ca\" has neither ca.crt nor tls.crt and tls.key");
  world.apply(secret("not a certificate"));
  EXPECT_THAT(speech_of(world), HasSubstr("denied: Secret \"default/ca\": ca.crt"));
  const auto authority = tls::testing::make_certificate({.is_authority = true});
  world.apply(secret(authority->chain_pem));
  EXPECT_EQ(speech_of(world), "h1 tls web.default.svc");
  EXPECT_EQ(world.findings(), "");
}

TEST(BackendTls, VerifyingWithoutASecretIsDenied) {
  World world;
  world.apply(service("https") + ingress("a", note("proxy-ssl-verify", "on")));
  EXPECT_THAT(speech_of(world), HasSubstr("no proxy-ssl-secret says whom to trust"));
}

TEST(BackendTls, ASecretOfAnotherNamespaceClosesTheRoutes) {
  World world;
  world.apply(service("") + ingress("a", note("proxy-ssl-secret", "other/ca")));
  EXPECT_THAT(world.findings(), HasSubstr("names a Secret of another namespace, \"other/ca\""));
  const auto* host = world.translator.snapshot().hosts.find("a.example.com");
  EXPECT_THAT(host->routes.front()->policy->denied_because, HasSubstr("another namespace"));
}

TEST(BackendTls, WhatCantBeUnderstoodClosesTheRoutes) {
  const std::string long_name = "default/" + std::string(254, 'a');
  for (const auto& [name, value] : {std::pair{"proxy-ssl-verify", "yes"},
                                    {"proxy-ssl-secret", "ca"},
                                    {"proxy-ssl-secret", long_name.c_str()},
                                    {"proxy-ssl-protocols", "TLSv1.1"},
                                    {"proxy-ssl-ciphers", "a b"}}) {
    World world;
    world.apply(service("https") + ingress("a", note(name, value)));
    const auto* host = world.translator.snapshot().hosts.find("a.example.com");
    EXPECT_THAT(host->routes.front()->policy->denied_because, HasSubstr(name));
    EXPECT_THAT(world.findings(), HasSubstr("the routes of this Ingress answer 503"));
  }
}

TEST(BackendTls, VersionsThatCantBeUnderstoodChangeNothingForOtherIngresses) {
  World world;
  world.apply(service("https") + ingress("a", note("proxy-ssl-protocols", "TLSv1.1")) +
              ingress("b", note("proxy-ssl-protocols", "TLSv1.3")));
  EXPECT_EQ(speech_of(world, "b.example.com"), "h1 tls");
  const auto& spec = *backend_of(world, "b.example.com")->tls;
  EXPECT_FALSE(spec.allows_tls12);
  EXPECT_TRUE(spec.allows_tls13);
}

TEST(BackendTls, ASecretThatCanNotBeShownIsDenied) {
  World world;
  const auto annotations =
      note("backend-protocol", "HTTPS") + note("proxy-ssl-secret", "default/ca");
  world.apply(service("") + ingress("a", annotations) + secret("", "  other: x\n"));
  EXPECT_EQ(speech_of(world),
            "denied: Secret \"default/ca\" has neither ca.crt nor tls.crt and tls.key");
  const auto authority = tls::testing::make_certificate({.is_authority = true});
  world.apply(secret(authority->chain_pem, "  tls.crt: x\n  tls.key: y\n"));
  EXPECT_EQ(speech_of(world),
            "denied: Secret \"default/ca\" has a tls.crt or a tls.key that is no PEM");
  EXPECT_THAT(world.findings(), HasSubstr("is no PEM: the rule answers 503"));
  world.apply(secret(authority->chain_pem));
  EXPECT_EQ(speech_of(world), "h1 tls");
}

TEST(BackendTls, SpacesAroundValuesMeanNothing) {
  World world;
  const auto authority = tls::testing::make_certificate({.is_authority = true});
  world.apply(service("") + secret(authority->chain_pem) +
              ingress("a", note("backend-protocol", "HTTPS") +
                               note("proxy-ssl-secret", "default/ca\\n") +
                               note("proxy-ssl-verify", " on ") +
                               note("proxy-ssl-name", "\\tapi.internal")));
  EXPECT_EQ(world.findings(), "");
  EXPECT_EQ(speech_of(world), "h1 tls api.internal");
}

TEST(BackendTls, IsKeptByPointerWhileNothingOfItChanges) {
  World world;
  const auto authority = tls::testing::make_certificate({.is_authority = true});
  world.apply(service("") + ingress("a", kVerified) + secret(authority->chain_pem));
  const auto before = backend_of(world, "a.example.com")->tls;
  world.apply(testing::slice_yaml("web", "10.0.0.1"));
  EXPECT_EQ(backend_of(world, "a.example.com")->tls, before);
}

TEST(BackendTls, ItsSecretIsAskedFor) {
  World world;
  world.apply(service("") + ingress("a", kVerified));
  auto uses = world.translator.take_secret_uses();
  ASSERT_EQ(uses.size(), 1U);
  EXPECT_EQ(uses.front().key, "default/ca");
  EXPECT_TRUE(uses.front().used);
  world.remove(ingress("a", kVerified));
  uses = world.translator.take_secret_uses();
  ASSERT_EQ(uses.size(), 1U);
  EXPECT_FALSE(uses.front().used);
}

}  // namespace
}  // namespace portico::translate
