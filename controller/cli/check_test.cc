#include "controller/cli/check.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/cli/testing/manifest_folder.h"

namespace portico::cli {
namespace {

using ::testing::HasSubstr;
using testing::kIngress;
using testing::kWeb;

class Check : public ::testing::Test {
 protected:
  Check() { folder.write("web.yaml", kWeb); }

  int check() {
    std::ostringstream out;
    const int status = run_check({.paths = {folder.path()}}, out);
    output = out.str();
    return status;
  }

  testing::ManifestFolder folder;
  std::string output;
};

TEST_F(Check, IsSilentAboutGoodManifests) {
  EXPECT_EQ(check(), 0);
  EXPECT_EQ(output, "");
}

TEST_F(Check, NamesFileLineObjectFieldAndFix) {
  folder.write("ingress.yaml", kIngress);
  EXPECT_EQ(check(), 1);
  EXPECT_EQ(output, folder.path() +
                        "/ingress.yaml:15: error: Ingress default/web: "
                        "spec.rules[0].http.paths[1].backend: there is no "
                        "Service \"nobody\" in namespace \"default\": the rule answers 503; create "
                        "the Service port, or "
                        "correct the backend\n");
}

TEST_F(Check, PassesWarnings) {
  folder.write(
      "ingress.yaml",
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations:\n"
      "    nginx.ingress.kubernetes.io/use-regex: \"true\"\nspec:\n"
      "  defaultBackend: {service: {name: web, port: {number: 80}}}\n");
  EXPECT_EQ(check(), 0);
  EXPECT_THAT(
      output,
      HasSubstr(
          "ingress.yaml:6: warning: Ingress default/web: "
          "metadata.annotations[nginx.ingress.kubernetes.io/use-regex]: \"true\" has no effect"));
}

TEST_F(Check, GivesBrokenFilesALine) {
  folder.write("broken.yaml", "a: 1\nb: [\nc: }\n");
  EXPECT_EQ(check(), 1);
  EXPECT_THAT(output, ::testing::MatchesRegex(".*/broken.yaml:[23]: error: -: -: .*\n"));
}

TEST_F(Check, OfNoPathIsStatus2) {
  std::ostringstream out;
  EXPECT_EQ(run_check({.paths = {folder.path() + "/nowhere"}}, out), 2);
}

}  // namespace
}  // namespace portico::cli
