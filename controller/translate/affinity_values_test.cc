#include "controller/translate/affinity_values.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/annotations.h"
#include "controller/translate/testing/manifests.h"

namespace portico::translate {
namespace {

using routing::AffinitySpec;
using routing::BalanceSpec;
using routing::SameSite;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::World;

using Annotations = std::map<std::string, std::string, std::less<>>;

// Names without their prefix.
AnnotationReading read(const Annotations& annotations) {
  Annotations prefixed;
  for (const auto& [name, value] : annotations) {
    prefixed.emplace(std::string(kNginxPrefix) + name, value);
  }
  return read_annotations(prefixed);
}

// With `affinity: cookie`.
AffinitySpec affinity(Annotations annotations) {
  annotations.emplace("affinity", "cookie");
  const auto reading = read(annotations);
  EXPECT_THAT(reading.findings, IsEmpty());
  return reading.backend.balance.affinity.value();
}

TEST(AffinityValues, TheCookieAloneAsksForTheDefaults) {
  EXPECT_EQ(affinity({}), AffinitySpec());
}

TEST(AffinityValues, AllOfThemAreRead) {
  EXPECT_EQ(affinity({{"affinity-mode", "persistent"},
                      {"session-cookie-name", "SERVERID"},
                      {"session-cookie-path", "/a/b"},
                      {"session-cookie-domain", "shop.example.com"},
                      {"session-cookie-samesite", "None"},
                      {"session-cookie-conditional-samesite-none", "true"},
                      {"session-cookie-secure", "true"},
                      {"session-cookie-partitioned", "true"},
                      {"session-cookie-expires", "172800"},
                      {"session-cookie-max-age", "259200"},
                      {"session-cookie-change-on-failure", "true"}}),
            (AffinitySpec{.cookie_name = "SERVERID",
                          .path = "/a/b",
                          .domain = "shop.example.com",
                          .same_site = SameSite::kNone,
                          .conditional_same_site_none = true,
                          .secure = true,
                          .partitioned = true,
                          .expires_seconds = 172'800,
                          .max_age_seconds = 259'200,
                          .change_on_failure = true,
                          .persistent = true}));
}

TEST(AffinityValues, AnyCaseOfSameSiteIsRead) {
  EXPECT_EQ(affinity({{"session-cookie-samesite", "lax"}}).same_site, SameSite::kLax);
  EXPECT_EQ(affinity({{"session-cookie-samesite", "STRICT"}}).same_site, SameSite::kStrict);
}

TEST(AffinityValues, SecureFalseLeavesItToTheScheme) {
  EXPECT_EQ(affinity({{"session-cookie-secure", "false"}}).secure, std::nullopt);
}

TEST(AffinityValues, LifetimesMayBeNothingAndNegative) {
  EXPECT_EQ(affinity({{"session-cookie-max-age", "0"}}).max_age_seconds, 0);
  EXPECT_EQ(affinity({{"session-cookie-expires", "-1"}}).expires_seconds, -1);
}

TEST(AffinityValues, BadOnesLeaveTheDefaultAndAreFound) {
  struct Row {
    const char* name;
    const char* value;
  };
  constexpr Row kRows[] = {
      {"affinity-mode", "sticky"},
      {"session-cookie-name", ""},
      {"session-cookie-name", "a=b"},
      {"session-cookie-name", "a;b"},
      {"session-cookie-name", "a b"},
      {"session-cookie-path", "a"},
      {"session-cookie-path", "/a; Domain=evil.example.com"},
      {"session-cookie-path", "/a\r\nX: y"},
      {"session-cookie-domain", "a;b"},
      {"session-cookie-domain", "a b"},
      {"session-cookie-samesite", "Sometimes"},
      {"session-cookie-secure", "yes"},
      {"session-cookie-expires", "1d"},
      {"session-cookie-max-age", "99999999999999999999"},
      {"session-cookie-max-age", "3155760001"},
      {"session-cookie-change-on-failure", "perhaps"},
  };
  for (const auto& row : kRows) {
    const auto reading = read({{"affinity", "cookie"}, {row.name, row.value}});
    EXPECT_EQ(reading.backend.balance.affinity, AffinitySpec()) << row.name << ": " << row.value;
    ASSERT_THAT(reading.findings, SizeIs(1)) << row.name << ": " << row.value;
    EXPECT_EQ(reading.findings[0].severity, routing::Severity::kError);
  }
}

TEST(AffinityValues, WithoutAffinityTheOthersAskForNothingAndAreFound) {
  const auto reading = read({{"session-cookie-name", "A"}, {"affinity-mode", "persistent"}});
  EXPECT_EQ(reading.backend.balance, BalanceSpec());
  ASSERT_THAT(reading.findings, SizeIs(2));
  EXPECT_THAT(reading.findings[0].message, HasSubstr("no effect without `affinity: cookie`"));
}

TEST(AffinityValues, AnotherKindOfAffinityIsNone) {
  const auto reading = read({{"affinity", "ip"}});
  EXPECT_EQ(reading.backend, BackendWish());
  ASSERT_THAT(reading.findings, SizeIs(1));
  EXPECT_THAT(reading.findings[0].message, HasSubstr("\"ip\" is not \"cookie\""));
}

TEST(AffinityValues, NoneSwitchesTheOthersOffWithoutAWord) {
  const auto reading = read({{"affinity", "none"}, {"session-cookie-name", "A"}});
  EXPECT_EQ(reading.backend.balance, BalanceSpec());
  EXPECT_THAT(reading.findings, IsEmpty());
}

TEST(AffinityValues, AreReadUnderBothPrefixes) {
  const auto reading =
      read_annotations(Annotations{{std::string(kPorticoPrefix) + "affinity", "cookie"},
                                   {std::string(kNginxPrefix) + "session-cookie-name", "A"}});
  EXPECT_THAT(reading.findings, IsEmpty());
  EXPECT_EQ(reading.backend.balance.affinity, AffinitySpec{.cookie_name = "A"});
}

// ---- the Service's own

constexpr std::string_view kService = R"(---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports: [{port: 80}]
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 600}}
)";

std::string ingress_with(std::string_view annotations) {
  return "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\n"
         "  annotations: {" +
         std::string(annotations) +
         "}\nspec: {rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, "
         "backend: {service: {name: web, port: {number: 80}}}}]}}]}\n";
}

// Of the only backend there is.
BalanceSpec balance(std::string_view service, std::string_view annotations) {
  World world;
  world.apply(std::string(service) + ingress_with(annotations));
  EXPECT_EQ(world.findings(), "");
  BalanceSpec found;
  world.translator.snapshot().backends.for_each([&](const std::string&, const auto& backend) {
    found = backend->balance == nullptr ? BalanceSpec() : *backend->balance;
  });
  return found;
}

TEST(ServiceAffinity, ByClientAddressIsHashing) {
  EXPECT_EQ(balance(kService, ""), BalanceSpec{.hash_by = "$remote_addr"});
}

TEST(ServiceAffinity, IsOnlyUsedWhereTheIngressAsksForNoneOfItsOwn) {
  EXPECT_EQ(balance(kService, "nginx.ingress.kubernetes.io/affinity: cookie"),
            BalanceSpec{.affinity = AffinitySpec()});
}

TEST(Affinity, IsAmongAllEndpointsWhereverTheReplicaRuns) {
  constexpr std::string_view kHinted = R"(---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints:
- {addresses: [10.0.0.1], hints: {forZones: [{name: z1}]}}
- {addresses: [10.0.0.2], hints: {forZones: [{name: z2}]}}
)";
  const auto endpoints = [&](std::string_view annotations) {
    World world({.location = {.zone = "z1"}});
    world.apply(testing::service_yaml("web") + std::string(kHinted) + ingress_with(annotations));
    std::size_t count = 0;
    world.translator.snapshot().backends.for_each([&](const std::string&, const auto& backend) {
      count = static_cast<std::size_t>(
          std::ranges::count(backend->endpoints, false, &routing::EndpointSpec::is_far));
    });
    return count;
  };
  EXPECT_EQ(endpoints(""), 1U);
  EXPECT_EQ(endpoints("nginx.ingress.kubernetes.io/load-balance: ewma"), 1U);
  EXPECT_EQ(endpoints("nginx.ingress.kubernetes.io/affinity: cookie"), 2U);
  EXPECT_EQ(endpoints("nginx.ingress.kubernetes.io/upstream-hash-by: $remote_addr"), 2U);
}

TEST(ServiceAffinity, IsTakenUpWhereNothingElseOfTheServiceChanges) {
  const std::string with(kService);
  const auto line = with.find("  sessionAffinity: ");
  auto without = with;
  without.erase(line, without.find('\n', line) + 1 - line);
  World world;
  world.apply(without + ingress_with(""));
  const auto is_balanced = [&world] {
    bool is = false;
    world.translator.snapshot().backends.for_each(
        [&](const std::string&, const auto& backend) { is = backend->balance != nullptr; });
    return is;
  };
  EXPECT_FALSE(is_balanced());
  world.apply(with);
  EXPECT_TRUE(is_balanced());
  world.apply(without);
  EXPECT_FALSE(is_balanced());
}

TEST(ServiceAffinity, OtherServicesAskForNothing) {
  EXPECT_EQ(balance(testing::service_yaml("web"), ""), BalanceSpec());
}

}  // namespace
}  // namespace portico::translate
