#include "controller/translate/lint.h"

#include <chrono>

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

}  // namespace
}  // namespace portico::translate
