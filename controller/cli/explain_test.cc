#include "controller/cli/explain.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/cli/testing/manifest_folder.h"

namespace portico::cli {
namespace {

using ::testing::HasSubstr;
using testing::kIngress;
using testing::kWeb;
using ::testing::Not;
class Explain : public ::testing::Test {
 protected:
  Explain() { folder.write("web.yaml", kWeb); }

  int explain(const std::string& url, const translate::Options& options = {}) {
    std::ostringstream out;
    const int status =
        run_explain({.url = url, .manifests = folder.path(), .translate = options}, out);
    output = out.str();
    return status;
  }

  // kIngress with an annotation of ingress-nginx's.
  static std::string annotated(const std::string& annotation) {
    std::string text = kIngress;
    text.replace(text.find("{name: web}"), 11,
                 "{name: web, annotations: {nginx.ingress.kubernetes.io/" + annotation + "}}");
    return text;
  }

  testing::ManifestFolder folder;
  std::string output;
};

TEST_F(Explain, NamesRuleBackendAndEndpoints) {
  folder.write("ingress.yaml", kIngress);
  EXPECT_EQ(explain("http://WEB.test:8080/app/./x?q=1#top"), 0);
  EXPECT_THAT(output, HasSubstr("request      http web.test, path /app/x\n"));
  EXPECT_THAT(output, HasSubstr("sent on as   /app/x?q=1\n"));
  EXPECT_THAT(output, HasSubstr("served by    Ingress default/web, spec.rules[0].http.paths[0]\n"));
  EXPECT_THAT(output, HasSubstr("rule         exact host web.test, Prefix /app\n"));
  EXPECT_THAT(output, HasSubstr("backend      default/web:80\n"));
  EXPECT_THAT(output, HasSubstr("endpoints    10.0.0.1:8080\n"));
  EXPECT_THAT(output,
              HasSubstr("policy       request body 1 MiB, connect 5 s, send 60 s, read 60 s\n"));
}

TEST_F(Explain, SaysWhatIsWrongWithTheServiceAndItsSlices) {
  std::string text = kWeb;
  for (const auto* of : {"{name: web}", "{name: web-1,"}) {
    const auto at = text.find(of) + 1;
    text.insert(at, "annotations: {portico.dev/load-balance: ewma, portico.dev/weight: x}, ");
  }
  folder.write("web.yaml", text);
  folder.write("ingress.yaml", kIngress);
  EXPECT_EQ(explain("http://web.test/app"), 0);
  EXPECT_THAT(output,
              HasSubstr("balancing    peak EWMA of two drawn by lot, as the Service asks\n"));
  EXPECT_THAT(output, HasSubstr("warning: Service default/web: "
                                "metadata.annotations[portico.dev/weight]: "));
  EXPECT_THAT(output, HasSubstr("error: EndpointSlice default/web-1: "
                                "metadata.annotations[portico.dev/weight]: \"x\" is not"));
}

TEST_F(Explain, SaysWhenARequestIsTriedAgainWhereThatIsNotTheDefault) {
  folder.write("ingress.yaml", kIngress);
  EXPECT_EQ(explain("http://web.test/app"), 0);
  EXPECT_THAT(output, Not(HasSubstr("retries")));
  folder.write("ingress.yaml", annotated("proxy-next-upstream: error http_502 non_idempotent"));
  EXPECT_EQ(explain("http://web.test/app"), 0);
  EXPECT_THAT(output,
              HasSubstr("retries      after error http_502, 3 tries, whatever the method\n"));
  folder.write("ingress.yaml", annotated("proxy-next-upstream: \"off\""));
  EXPECT_EQ(explain("http://web.test/app"), 0);
  EXPECT_THAT(output, HasSubstr("retries      off\n"));
}

TEST_F(Explain, SaysWhyOthersLost) {
  folder.write("ingress.yaml", kIngress);
  EXPECT_EQ(explain("http://web.test/app/admin"), 0);
  EXPECT_THAT(output, HasSubstr("rule         exact host web.test, Exact /app/admin\n"));
  EXPECT_THAT(output, HasSubstr("answer       503: the backend is missing\n"));
  EXPECT_THAT(output,
              HasSubstr("Prefix /app of Ingress default/web: matches, but Exact /app/admin"));
  EXPECT_THAT(output, HasSubstr("there is no Service \"nobody\""));
}

TEST_F(Explain, OfNothingIs404) {
  folder.write("ingress.yaml", kIngress);
  EXPECT_EQ(explain("http://other.test/"), 1);
  EXPECT_THAT(output, HasSubstr("answer       404"));
  EXPECT_THAT(output, Not(HasSubstr("nobody")));
}

TEST_F(Explain, NamesIngressesOfOtherClasses) {
  std::string other = kIngress;
  other.replace(other.find("portico"), 7, "another");
  folder.write("ingress.yaml", other);
  EXPECT_EQ(explain("http://web.test/app"), 1);
  EXPECT_THAT(output, HasSubstr("no IngressClass named \"another\""));
}

TEST_F(Explain, SaysThatAGuardDenies) {
  folder.write("ingress.yaml", annotated("auth-url: \"http://auth/\""));
  EXPECT_EQ(explain("https://web.test/app"), 0);
  EXPECT_THAT(
      output,
      HasSubstr("answer       503: annotation nginx.ingress.kubernetes.io/auth-url guards access"));
  EXPECT_THAT(output, HasSubstr("certificate  the default one"));
}

TEST_F(Explain, SaysThatAHostIsClosedWhoseClientsCannotBeVerified) {
  folder.write("ingress.yaml", annotated("auth-tls-secret: default/nobody"));
  for (const auto* url : {"https://web.test/app", "http://web.test/app"}) {
    EXPECT_EQ(explain(url), 0);
    EXPECT_THAT(output, HasSubstr("answer       403: there is no Secret \"default/nobody\""));
  }
  EXPECT_EQ(explain("https://web.test/other"), 1);
  EXPECT_THAT(output, HasSubstr("answer       403: there is no Secret \"default/nobody\""));
}

TEST_F(Explain, SaysThatTlsIsHandedOnUnopenedWhateverThePath) {
  auto text = annotated(
      "ssl-passthrough: \"true\", nginx.ingress.kubernetes.io/load-balance: ewma, "
      "portico.dev/slow-start: \"5\"");
  text.replace(text.find("path: /app\n"), 10, "path: /");
  folder.write("ingress.yaml", text);
  EXPECT_EQ(explain("https://web.test/app/admin", {.ssl_passthrough = true}), 0);
  EXPECT_THAT(output, HasSubstr("backend      default/web:80\n"));
  EXPECT_THAT(output, HasSubstr("balancing    peak EWMA of two drawn by lot\n"));
  EXPECT_THAT(output, HasSubstr("slow start   a new endpoint gets its whole share after 5 s\n"));
  EXPECT_THAT(output, HasSubstr("answer       the backend's: TLS is handed on unopened"));
  EXPECT_THAT(output, Not(HasSubstr("certificate")));
  EXPECT_EQ(explain("http://web.test/app/admin", {.ssl_passthrough = true}), 0);
  EXPECT_THAT(output, HasSubstr("answer       503: the backend is missing\n"));
}

TEST_F(Explain, TellsWhatTheBackendMayBear) {
  folder.write("ingress.yaml", kIngress);
  EXPECT_EQ(explain("http://web.test/app"), 0);
  EXPECT_THAT(output, Not(HasSubstr("limits")));
  folder.write("ingress.yaml", annotated("circuit-max-requests: \"10\""));
  EXPECT_EQ(explain("http://web.test/app"), 0);
  EXPECT_THAT(output, HasSubstr("limits       10 requests\n"));
}

TEST_F(Explain, TellsWhatMayBeCompressed) {
  folder.write("ingress.yaml", kIngress);
  folder.write("settings.yaml", R"(apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {use-gzip: "true", enable-zstd: "true"}
)");
  EXPECT_EQ(explain("http://web.test/app", {.config_map = "default/settings"}), 0);
  EXPECT_THAT(output, HasSubstr("compression  zstd, gzip, by Accept-Encoding"));
}

TEST_F(Explain, TellsHowRequestsAreSpread) {
  folder.write("ingress.yaml", kIngress);
  EXPECT_EQ(explain("http://web.test/app"), 0);
  EXPECT_THAT(output, Not(HasSubstr("balancing")));
  folder.write("ingress.yaml", annotated("affinity: cookie"));
  EXPECT_EQ(explain("http://web.test/app"), 0);
  EXPECT_THAT(output, HasSubstr("balancing    by the cookie INGRESSCOOKIE, balanced\n"));
}

TEST_F(Explain, RefusesWhatIsNoUrl) {
  for (const auto* url : {"::", "web.test/", "http://", "ftp://web.test/", "http://a@web.test/",
                          "http://web.test/%zz", "http://web.test/../x"}) {
    EXPECT_EQ(explain(url), 2) << url;
  }
}

}  // namespace
}  // namespace portico::cli
