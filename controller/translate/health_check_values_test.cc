#include "controller/translate/health_check_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/annotations.h"

namespace portico::translate {
namespace {

using routing::HealthCheckSpec;
using routing::StatusRange;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Annotations = std::map<std::string, std::string, std::less<>>;

// Names without their prefix.
AnnotationReading read(const Annotations& annotations) {
  Annotations prefixed;
  for (const auto& [name, value] : annotations) {
    prefixed.emplace(std::string(kPorticoPrefix) + name, value);
  }
  return read_annotations(prefixed);
}

HealthCheckSpec check(Annotations annotations) {
  annotations.emplace("health-check", "http");
  const auto reading = read(annotations);
  EXPECT_THAT(reading.findings, IsEmpty());
  return reading.backend.balance.health_check.value();
}

TEST(HealthCheckValues, TheKindAloneAsksForTheDefaults) {
  EXPECT_EQ(check({}), HealthCheckSpec());
  EXPECT_EQ(check({{"health-check", "tcp"}}).kind, HealthCheckSpec::Kind::kTcp);
  EXPECT_EQ(check({{"health-check", "grpc"}}).kind, HealthCheckSpec::Kind::kGrpc);
}

TEST(HealthCheckValues, AllOfThemAreRead) {
  EXPECT_EQ(check({{"health-check-path", "/healthz?deep=1"},
                   {"health-check-host", "shop.example.com:8080"},
                   {"health-check-port", "9090"},
                   {"health-check-statuses", "200-299, 404"},
                   {"health-check-grpc-service", "shop.v1.Cart"},
                   {"health-check-interval", "0.5"},
                   {"health-check-timeout", "0.25"},
                   {"health-check-unhealthy-after", "1"},
                   {"health-check-healthy-after", "7"}}),
            (HealthCheckSpec{.path = "/healthz?deep=1",
                             .host = "shop.example.com:8080",
                             .statuses = {{.first = 200, .last = 299}, {.first = 404, .last = 404}},
                             .grpc_service = "shop.v1.Cart",
                             .port = 9090,
                             .interval = milliseconds(500),
                             .timeout = milliseconds(250),
                             .unhealthy_after = 1,
                             .healthy_after = 7}));
}

TEST(HealthCheckValues, WithoutACheckTheOthersHaveNoEffectAndSaySo) {
  const auto reading = read({{"health-check-path", "/healthz"}, {"health-check-port", "81"}});
  EXPECT_EQ(reading.backend.balance, routing::BalanceSpec());
  ASSERT_THAT(reading.findings, SizeIs(2));
  EXPECT_THAT(reading.findings[0].message, HasSubstr("no effect without"));
}

TEST(HealthCheckValues, OffIsNoCheck) {
  EXPECT_EQ(read({{"health-check", "off"}}).backend.balance, routing::BalanceSpec());
  EXPECT_EQ(read({{"health-check", "off"}, {"health-check-path", "/a"}}).backend.balance,
            routing::BalanceSpec());
}

TEST(HealthCheckValues, NoCheckTakesLongerThanTheInterval) {
  EXPECT_EQ(check({{"health-check-interval", "1"}}).timeout, milliseconds(1'000));
  EXPECT_EQ(check({{"health-check-interval", "3"}, {"health-check-timeout", "4"}}).timeout,
            milliseconds(3'000));
}

TEST(HealthCheckValues, NoCheckKeepsOthersWaitingForLong) {
  const Annotations slow{{"health-check-interval", "60"}};
  const auto with = [&](const std::string& timeout) {
    auto annotations = slow;
    annotations.emplace("health-check", "http");
    annotations.emplace("health-check-timeout", timeout);
    return read(annotations);
  };
  EXPECT_EQ(with("10").backend.balance.health_check.value().timeout, milliseconds(10'000));
  ASSERT_THAT(with("30").findings, SizeIs(1));
  EXPECT_THAT(with("30").findings[0].message, HasSubstr("from 0.1 to 10,"));
}

TEST(HealthCheckValues, WhatIsNoGoodValueIsToldAndTheDefaultStays) {
  const std::vector<std::pair<std::string, std::string>> bad{
      {"health-check-path", "healthz"},
      {"health-check-path", "/a b"},
      {"health-check-path", "/" + std::string(1024, 'a')},
      {"health-check-host", "a b"},
      {"health-check-host", "a\r\nX: y"},
      {"health-check-port", "0"},
      {"health-check-port", "65536"},
      {"health-check-port", "http"},
      {"health-check-statuses", ""},
      {"health-check-statuses", "200,"},
      {"health-check-statuses", "299-200"},
      {"health-check-statuses", "100"},
      {"health-check-statuses", "200-600"},
      {"health-check-statuses", "200-299-300"},
      {"health-check-grpc-service", "a b"},
      {"health-check-grpc-service", std::string(257, 'a')},
      {"health-check-interval", "0"},
      {"health-check-interval", "0.09"},
      {"health-check-interval", "-1"},
      {"health-check-interval", "-0.5"},
      {"health-check-interval", "1.-5"},
      {"health-check-interval", "1."},
      {"health-check-interval", "1.2345"},
      {"health-check-interval", "3600.001"},
      {"health-check-interval", "5s"},
      {"health-check-timeout", ""},
      {"health-check-timeout", "10.001"},
      {"health-check-timeout", "11"},
      {"health-check-timeout", "."},
      {"health-check-unhealthy-after", "0"},
      {"health-check-healthy-after", "101"}};
  for (const auto& [name, value] : bad) {
    const auto reading = read({{"health-check", "http"}, {name, value}});
    ASSERT_THAT(reading.findings, SizeIs(1)) << name << "=" << value;
    EXPECT_EQ(reading.findings[0].annotation, std::string(kPorticoPrefix) + name);
    EXPECT_EQ(reading.findings[0].severity, routing::Severity::kError);
    EXPECT_EQ(reading.backend.balance.health_check, HealthCheckSpec()) << name << "=" << value;
  }
  const auto reading = read({{"health-check", "icmp"}});
  ASSERT_THAT(reading.findings, SizeIs(1));
  EXPECT_FALSE(reading.backend.balance.health_check);
}

TEST(HealthCheckValues, EachChangesTheBackendsKey) {
  const std::vector<Annotations> wishes{{},
                                        {{"health-check", "tcp"}},
                                        {{"health-check-path", "/a"}},
                                        {{"health-check-host", "a"}},
                                        {{"health-check-port", "81"}},
                                        {{"health-check-statuses", "200"}},
                                        {{"health-check-statuses", "200,201"}},
                                        {{"health-check-grpc-service", "a"}},
                                        {{"health-check-interval", "4"}},
                                        {{"health-check-timeout", "1"}},
                                        {{"health-check-unhealthy-after", "1"}},
                                        {{"health-check-healthy-after", "1"}}};
  std::set<std::string> texts{BackendWish().text()};
  for (auto annotations : wishes) {
    annotations.emplace("health-check", "http");
    texts.insert(read(annotations).backend.text());
  }
  EXPECT_THAT(texts, SizeIs(wishes.size() + 1));
}

}  // namespace
}  // namespace portico::translate
