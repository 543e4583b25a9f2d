#include "controller/translate/annotations.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/annotation_page.h"
#include "controller/translate/annotation_values.h"

namespace portico::translate {
namespace {

using namespace std::chrono_literals;
using routing::Severity;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Annotations = std::map<std::string, std::string, std::less<>>;

AnnotationReading read(std::string_view name, std::string_view value) {
  return read_annotations(
      Annotations{{std::string(kNginxPrefix).append(name), std::string(value)}});
}

TEST(AnnotationTable, NamesEachAnnotationOnce) {
  std::set<std::string_view> names;
  for (const auto& row : annotation_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.meaning.empty()) << row.name;
    EXPECT_EQ(row.support == Support::kServed, row.read != nullptr || row.read_wish != nullptr ||
                                                   row.read_tls != nullptr ||
                                                   row.read_canary != nullptr)
        << row.name;
  }
}

TEST(AnnotationTable, KnowsAllNamesOfIngressNginx) {
  std::size_t known = 0;
  for (const auto& row : annotation_table()) {
    const bool is_our_own = row.meaning.starts_with("Portico's own");
    known += row.support == Support::kRemoved || is_our_own ? 0 : 1;
  }
  // 136 in 1.15, two aliases, and session-cookie-partitioned of its neighbours.
  EXPECT_EQ(known, 136U + 2U + 1U);
}

TEST(AnnotationTable, GuardsEveryNameThatKeepsClientsOut) {
  for (const auto& row : annotation_table()) {
    const bool should = row.name.starts_with("auth-") || row.name.ends_with("-source-range") ||
                        row.name == "satisfy" || row.name == "enable-global-auth" ||
                        (row.name.starts_with("proxy-ssl-") && row.name != "proxy-ssl-server-name");
    EXPECT_EQ(row.guards_access == Guard::kYes, should) << row.name;
  }
}

TEST(Annotations, OfTlsAreReadWithoutTheSpacesAroundThem) {
  EXPECT_EQ(read("auth-tls-secret", " shop/ca\n").tls.tls.authority_secret, "shop/ca");
  EXPECT_EQ(read("auth-tls-verify-client", "optional ").tls.verify,
            routing::ClientVerification::kOptional);
  EXPECT_EQ(read("ssl-ciphers", "ECDHE-RSA-AES128-GCM-SHA256\n").tls.tls.ciphers,
            "ECDHE-RSA-AES128-GCM-SHA256");
  EXPECT_EQ(read("proxy-ssl-name", "\tapi.internal").backend.name, "api.internal");
}

TEST(Annotations, AreQuotedWithoutControlCharacters) {
  EXPECT_EQ(quoted_value("a\r\n\x1b[2Jb"), "\"a   [2Jb\"");
}

TEST(Annotations, SetTheirFieldOfThePolicy) {
  EXPECT_FALSE(read("ssl-redirect", "false").policy.ssl_redirect);
  EXPECT_TRUE(read("force-ssl-redirect", "1").policy.force_ssl_redirect);
  EXPECT_EQ(read("proxy-body-size", "8m").policy.max_body_bytes, 8U << 20);
  EXPECT_EQ(read("proxy-connect-timeout", "7").policy.connect_timeout, 7s);
  EXPECT_EQ(read("proxy-send-timeout", "8").policy.send_timeout, 8s);
  EXPECT_EQ(read("proxy-read-timeout", "3600").policy.read_timeout, 3600s);
  EXPECT_EQ(read("request-timeout", "30").policy.request_timeout, 30s);
  EXPECT_EQ(read("request-timeout", "0").policy.request_timeout, 0s);
  EXPECT_FALSE(read("outlier-ejection", "off").policy.outlier_ejection);
  EXPECT_FALSE(read("outlier-success-rate", "off").policy.outlier_success_rate);
  EXPECT_EQ(read("outlier-consecutive-5xx", "7").policy.consecutive_5xx, 7);
}

TEST(Annotations, BadValueKeepsTheDefaultAndIsAnError) {
  struct Row {
    const char* name;
    const char* value;
  };
  for (const auto& row : std::vector<Row>{{"ssl-redirect", "no"},
                                          {"ssl-redirect", ""},
                                          {"ssl-redirect", "True "},
                                          {"force-ssl-redirect", "yes"},
                                          {"proxy-body-size", "8mb"},
                                          {"proxy-body-size", "-1"},
                                          {"proxy-body-size", ""},
                                          {"proxy-body-size", "m"},
                                          {"proxy-body-size", "1.5m"},
                                          {"proxy-body-size", "99999999999g"},
                                          {"proxy-connect-timeout", "5s"},
                                          {"proxy-send-timeout", "0"},
                                          {"proxy-read-timeout", "-1"},
                                          {"proxy-read-timeout", " 60"},
                                          {"request-timeout", "-1"},
                                          {"request-timeout", "30s"},
                                          {"request-timeout", "31536001"},
                                          {"request-timeout", ""}}) {
    const auto reading = read(row.name, row.value);
    EXPECT_EQ(reading.policy, routing::Policy{}) << row.name << row.value;
    ASSERT_THAT(reading.findings, SizeIs(1)) << row.name << row.value;
    EXPECT_EQ(reading.findings[0].severity, Severity::kError);
    EXPECT_THAT(reading.findings[0].message, HasSubstr(fmt::format("\"{}\"", row.value)));
  }
}

TEST(Annotations, SizesAreReadAsNginxReadsThem) {
  struct Row {
    const char* text;
    std::uint64_t bytes;
  };
  for (const auto& row : std::vector<Row>{{"0", 0},
                                          {"1000", 1000},
                                          {"1k", 1024},
                                          {"2K", 2048},
                                          {"3M", 3U << 20},
                                          {"4g", 4ULL << 30},
                                          {" 5m ", 5U << 20}}) {
    EXPECT_EQ(read_size(row.text), row.bytes) << row.text;
  }
}

TEST(Annotations, OwnPrefixWins) {
  const auto reading =
      read_annotations(Annotations{{"nginx.ingress.kubernetes.io/proxy-read-timeout", "10"},
                                   {"portico.dev/proxy-read-timeout", "20"}});
  EXPECT_EQ(reading.policy.read_timeout, 20s);
  EXPECT_THAT(reading.findings, IsEmpty());
}

TEST(Annotations, OtherPrefixesAreNobodysBusiness) {
  const auto reading =
      read_annotations(Annotations{{"kubectl.kubernetes.io/x", "1"}, {"traefik.io/auth-url", "1"}});
  EXPECT_THAT(reading.findings, IsEmpty());
  EXPECT_EQ(reading.policy, routing::Policy{});
}

TEST(Annotations, UnservedGuardDeniesUnderBothPrefixes) {
  for (const auto prefix : {kNginxPrefix, kPorticoPrefix}) {
    for (const auto* name :
         {"auth-url", "auth-type", "whitelist-source-range", "denylist-source-range", "satisfy",
          "enable-global-auth", "auth-snippet"}) {
      const auto reading = read_annotations(Annotations{{std::string(prefix).append(name), "x"}});
      EXPECT_THAT(reading.policy.denied_because, HasSubstr(name));
      ASSERT_THAT(reading.findings, SizeIs(1));
      EXPECT_EQ(reading.findings[0].severity, Severity::kError);
    }
  }
}

TEST(Annotations, AListThatLetsEverybodyInGuardsNothing) {
  for (const auto* name : {"whitelist-source-range", "allowlist-source-range"}) {
    const auto reading = read(name, "0.0.0.0/0,::/0");
    EXPECT_THAT(reading.policy.denied_because, IsEmpty());
    EXPECT_THAT(reading.findings, IsEmpty());
    EXPECT_THAT(read(name, "0.0.0.0/0").policy.denied_because, HasSubstr(name));
  }
}

TEST(Annotations, ClientCertificatesAreAskedForAsWritten) {
  const auto reading = read_annotations(
      Annotations{{"portico.dev/auth-tls-secret", "default/ca"},
                  {"portico.dev/auth-tls-verify-client", "optional_no_ca"},
                  {"portico.dev/auth-tls-verify-depth", "3"},
                  {"portico.dev/auth-tls-error-page", "https://help.example.com/no-certificate"},
                  {"portico.dev/auth-tls-match-cn", "CN=(alice|bob)"},
                  {"portico.dev/auth-tls-pass-certificate-to-upstream", "true"}});
  EXPECT_THAT(reading.findings, IsEmpty());
  const auto& tls = reading.tls.tls;
  EXPECT_EQ(tls.authority_secret, "default/ca");
  EXPECT_EQ(reading.tls.verify, routing::ClientVerification::kOptionalNoCa);
  EXPECT_EQ(tls.verify_depth, 3);
  EXPECT_EQ(tls.error_page, "https://help.example.com/no-certificate");
  EXPECT_TRUE(tls.subject.matches("CN=bob,O=x"));
  EXPECT_FALSE(tls.subject.matches("CN=eve"));
  EXPECT_TRUE(tls.pass_certificate);
  EXPECT_EQ(tls.refused_because, "");
}

TEST(Annotations, ABadValueOfClientCertificatesNeverOpensAHost) {
  struct Row {
    const char* name;
    const char* value;
    bool is_refused;
  };
  for (const auto& row :
       {Row{"auth-tls-secret", "", true}, Row{"auth-tls-secret", "a/b/c", true},
        Row{"auth-tls-secret", "../x", true}, Row{"auth-tls-match-cn", "alice", true},
        Row{"auth-tls-match-cn", "CN=(", true}, Row{"auth-tls-verify-client", "no", false},
        Row{"auth-tls-verify-depth", "0", false}, Row{"auth-tls-error-page", "/error", false},
        Row{"auth-tls-error-page", "http://a\r\nX: y", false},
        Row{"auth-tls-pass-certificate-to-upstream", "x", false}}) {
    const auto reading = read(row.name, row.value);
    EXPECT_THAT(reading.findings, SizeIs(1)) << row.name;
    EXPECT_EQ(!reading.tls.tls.refused_because.empty(), row.is_refused) << row.name;
  }
  EXPECT_EQ(read("auth-tls-verify-client", "no").tls.verify, routing::ClientVerification::kOn);
}

TEST(Annotations, SnippetDeniesOnlyWhereItGuardsAccess) {
  EXPECT_TRUE(
      read("configuration-snippet", "more_set_headers \"X-A: b\";").policy.denied_because.empty());
  for (const auto* text : {"allow 10.0.0.0/8;\ndeny all;", "auth_basic \"x\";",
                           "if ($x) { return 403; }", "auth_request /a;", "satisfy any;"}) {
    EXPECT_FALSE(read("configuration-snippet", text).policy.denied_because.empty()) << text;
    EXPECT_FALSE(read("server-snippet", text).host_denied_because.empty()) << text;
  }
}

TEST(Annotations, OthersThatAreNotServedWarn) {
  for (const auto* name :
       {"rewrite-target", "use-regex", "enable-cors", "limit-rps", "enable-modsecurity",
        "http2-push-preload", "secure-backends", "enable-websockets"}) {
    const auto reading = read(name, "true");
    ASSERT_THAT(reading.findings, SizeIs(1)) << name;
    EXPECT_EQ(reading.findings[0].severity, Severity::kWarning) << name;
    EXPECT_TRUE(reading.policy.denied_because.empty()) << name;
  }
}

TEST(Annotations, ValueThatAsksForWhatHappensAnywayIsSilent) {
  EXPECT_THAT(read("use-regex", "false").findings, IsEmpty());
  EXPECT_THAT(read("backend-protocol", "HTTP").findings, IsEmpty());
}

TEST(Annotations, UnknownNameSuggestsTheNearest) {
  const auto reading = read("proxy-body-sise", "8m");
  ASSERT_THAT(reading.findings, SizeIs(1));
  EXPECT_EQ(reading.findings[0].severity, Severity::kWarning);
  EXPECT_THAT(reading.findings[0].message, HasSubstr("\"proxy-body-sise\""));
  EXPECT_THAT(reading.findings[0].fix, HasSubstr("\"proxy-body-size\""));
  EXPECT_THAT(read("frobnicate-all", "1").findings.at(0).fix, HasSubstr("remove"));
}

TEST(Annotations, CanaryIsRecognised) {
  EXPECT_TRUE(read("canary", "true").canary.is_canary);
  EXPECT_FALSE(read("canary", "false").canary.is_canary);
}

// With PORTICO_WRITE_DOCS set the page is written instead of compared.
TEST(AnnotationPage, IsTheTablesPrint) {
  constexpr const char* kPath = "docs/annotations.md";
  if (std::getenv("PORTICO_WRITE_DOCS") != nullptr) {
    std::ofstream(kPath) << annotation_page();
  }
  std::ifstream file(kPath);
  ASSERT_TRUE(file) << "run from the root of the sources";
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), annotation_page())
      << "run portico_translate_test with PORTICO_WRITE_DOCS=1";
}

}  // namespace
}  // namespace portico::translate
