#include "controller/translate/lint.h"

#include <chrono>

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"
#include "tls/testing/certificates.h"

namespace portico::translate {
namespace {

using ::testing::HasSubstr;
using testing::ingress_yaml;
using testing::service_yaml;
using testing::slice_yaml;
using testing::World;

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string linted(std::string_view yaml, std::int64_t when = now()) {
  World world({.checking = true});
  world.apply(yaml);
  return testing::lines(lint(world.translator, when));
}

const std::string kWeb = ingress_yaml("web", "a.example.com", "/", "web");

TEST(Lint, WholeManifestsPass) {
  EXPECT_EQ(linted(kWeb + service_yaml("web") + slice_yaml("web", "10.0.0.1")), "");
}

TEST(Lint, FolderForAClusterNeedsNoSlices) {
  EXPECT_EQ(linted(kWeb + service_yaml("web")), "");
}

TEST(Lint, ServiceWithoutSliceAmongSlices) {
  EXPECT_THAT(
      linted(kWeb + service_yaml("web") + service_yaml("other") + slice_yaml("other", "10.0.0.1")),
      HasSubstr("warning: Ingress default/web: spec.rules[0].http.paths[0].backend: Service "
                "\"default/web\" has "
                "no EndpointSlice"));
}

TEST(Lint, SlicePortOfAnotherName) {
  const auto service =
      "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{name: main, "
      "port: 80}]}\n";
  EXPECT_THAT(
      linted(kWeb + service + slice_yaml("web", "10.0.0.1")),
      HasSubstr("has a TCP port named \"main\", the name of its port 80; their names: \"http\""));
}

TEST(Lint, SliceOfNoService) {
  EXPECT_THAT(linted(slice_yaml("nowhere", "10.0.0.1")),
              HasSubstr("warning: EndpointSlice default/nowhere-1"));
}

TEST(Lint, CertificateOutsideItsDates) {
  const auto pair =
      tls::testing::make_certificate({.names = {"a.example.com"}, .ends_in_days = 30});
  const auto yaml = service_yaml("web") +
                    testing::secret_yaml("a", pair->chain_pem, pair->key_pem) + kWeb +
                    "  tls: [{hosts: [a.example.com], secretName: a}]\n";
  constexpr std::int64_t kDay = 86'400;
  EXPECT_EQ(linted(yaml), "");
  EXPECT_THAT(linted(yaml, now() + 31 * kDay),
              HasSubstr("error: Ingress default/web: spec.tls[0].secretName: Secret \"default/a\": "
                        "the certificate expired"));
  EXPECT_THAT(linted(yaml, now() - 31 * kDay), HasSubstr("not valid before"));
}

TEST(Lint, OcspResponseThatHasExpiredOrIsAboutTo) {
  const tls::testing::Authority authority;
  auto pair = *authority.issue({.names = {"a.example.com"}, .ends_in_days = 90});
  pair.chain_pem += authority.pem();
  const auto yaml = service_yaml("web") + testing::secret_yaml("a", pair.chain_pem, pair.key_pem) +
                    "data: {tls.ocsp: \"" +
                    absl::Base64Escape(authority.ocsp_response(pair, true, 7)) + "\"}\n" + kWeb +
                    "  tls: [{hosts: [a.example.com], secretName: a}]\n";
  constexpr std::int64_t kDay = 86'400;
  EXPECT_EQ(linted(yaml), "");
  EXPECT_THAT(linted(yaml, now() + 7 * kDay - kDay / 2),
              HasSubstr("warning: Ingress default/web: spec.tls[0].secretName: Secret "
                        "\"default/a\": tls.ocsp expires on "));
  EXPECT_THAT(linted(yaml, now() + 8 * kDay), HasSubstr("\"default/a\": tls.ocsp expired on "));
}

// The class is a slip: what else is wrong is worth knowing before it is mended.
TEST(Lint, LooksFurtherIntoAnIngressOfUnknownClass) {
  const auto found = linted(
      service_yaml("other") +
      "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  "
      "annotations: "
      "{nginx.ingress.kubernetes.io/proxy-read-timeout: x}\nspec:\n  ingressClassName: portiko\n"
      "  tls: [{hosts: [a.example.com], secretName: nothing}]\n"
      "  rules:\n  - host: a.example.com\n    http:\n      paths:\n"
      "      - {path: relative, pathType: Prefix, backend: {service: {name: web, port: {number: "
      "80}}}}\n"
      "      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}\n");
  EXPECT_THAT(found, HasSubstr("no IngressClass named \"portiko\""));
  EXPECT_THAT(found, HasSubstr("\"relative\" does not begin with"));
  EXPECT_THAT(found, HasSubstr("there is no Service \"web\""));
  EXPECT_THAT(found, HasSubstr("there is no Secret \"default/nothing\""));
  EXPECT_THAT(found, HasSubstr("\"x\" is not a whole number"));
}

TEST(Lint, IngressOfUnknownClassIsInNobodysWay) {
  const auto found = linted(
      kWeb + service_yaml("web") +
      "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: same}\nspec:\n"
      "  ingressClassName: portiko\n  rules:\n  - host: a.example.com\n    http: {paths: "
      "[{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}\n");
  EXPECT_THAT(found, ::testing::Not(HasSubstr("already served")));
}

// Another controller's class is there, and so no slip.
TEST(Lint, DoesNotLookIntoOtherControllersIngresses) {
  const auto found = linted(
      "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\n"
      "spec: {controller: k8s.io/ingress-nginx}\n"
      "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n"
      "  ingressClassName: nginx\n  rules: [{http: {paths: [{path: bad, pathType: Prefix, "
      "backend: {service: {name: web, port: {number: 80}}}}]}}]\n");
  EXPECT_THAT(found, ::testing::Not(HasSubstr("error")));
}

}  // namespace
}  // namespace portico::translate
