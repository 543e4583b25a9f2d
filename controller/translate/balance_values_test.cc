#include "controller/translate/balance_values.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/annotations.h"

namespace portico::translate {
namespace {

using routing::Strategy;
using ::testing::HasSubstr;

AnnotationReading read(std::string_view name, const std::string& value) {
  return read_annotations({{std::string(kNginxPrefix).append(name), value}});
}

TEST(LoadBalance, NamesAStrategy) {
  for (const auto& [name, strategy] :
       {std::pair("round_robin", Strategy::kRoundRobin), std::pair("ewma", Strategy::kEwma),
        std::pair("least_requests", Strategy::kLeastRequests),
        std::pair("random", Strategy::kRandom)}) {
    const auto reading = read("load-balance", name);
    EXPECT_EQ(reading.backend.balance.strategy, strategy) << name;
    EXPECT_TRUE(reading.findings.empty()) << name;
  }
}

TEST(LoadBalance, AnUnknownOneIsAnErrorThatNamesTheChoices) {
  const auto reading = read("load-balance", "least_conn");
  EXPECT_EQ(reading.backend.balance.strategy, std::nullopt);
  ASSERT_EQ(reading.findings.size(), 1U);
  EXPECT_EQ(reading.findings[0].severity, routing::Severity::kError);
  EXPECT_EQ(reading.findings[0].message,
            "\"least_conn\" is not round_robin, ewma, least_requests or random");
}

TEST(HashBy, KeepsTheText) {
  const auto reading = read("upstream-hash-by", " $http_x_user${host} ");
  EXPECT_EQ(reading.backend.balance.hash_by, "$http_x_user${host}");
  EXPECT_TRUE(reading.findings.empty());
}

TEST(HashBy, AnUnknownVariableIsAnErrorThatNamesTheKnownOnes) {
  const auto reading = read("upstream-hash-by", "$geoip_country");
  EXPECT_EQ(reading.backend.balance.hash_by, "");
  ASSERT_EQ(reading.findings.size(), 1U);
  EXPECT_EQ(reading.findings[0].severity, routing::Severity::kError);
  EXPECT_THAT(reading.findings[0].message, HasSubstr("$remote_addr"));
  EXPECT_THAT(reading.findings[0].message, HasSubstr("$cookie_<name>"));
}

TEST(HashBy, NothingIsNotAskedFor) {
  const auto reading = read("upstream-hash-by", "");
  EXPECT_EQ(reading.backend.balance, routing::BalanceSpec());
  EXPECT_TRUE(reading.findings.empty());
}

TEST(HashBy, ASubsetHasASize) {
  EXPECT_TRUE(read("upstream-hash-by-subset", "true").backend.balance.hash_subset);
  EXPECT_EQ(read("upstream-hash-by-subset-size", "5").backend.balance.hash_subset_size, 5U);
  EXPECT_EQ(read("upstream-hash-by-subset-size", "0").backend.balance.hash_subset_size, 3U);
  for (const auto* bad : {"-1", "many", "65", "99999999999999999999"}) {
    EXPECT_EQ(read("upstream-hash-by-subset-size", bad).findings.size(), 1U) << bad;
  }
}

TEST(PanicThreshold, IsAPercentage) {
  for (const auto percent : {0, 50, 100}) {
    const auto reading = read("panic-threshold", std::to_string(percent));
    EXPECT_EQ(reading.backend.balance.panic_percent, percent);
    EXPECT_TRUE(reading.findings.empty()) << percent;
  }
  for (const auto* bad : {"-1", "101", "50%", "half", ""}) {
    const auto reading = read("panic-threshold", bad);
    EXPECT_EQ(reading.backend.balance.panic_percent, std::nullopt) << bad;
    ASSERT_EQ(reading.findings.size(), 1U) << bad;
    EXPECT_THAT(reading.findings[0].message, HasSubstr("a number from 0 to 100")) << bad;
  }
}

TEST(SlowStart, IsSecondsUpToAQuarterOfAnHour) {
  for (const auto& [value, seconds] :
       {std::pair("off", 0), std::pair("0", 0), std::pair("30", 30), std::pair("900", 900)}) {
    const auto reading = read("slow-start", value);
    EXPECT_EQ(reading.backend.balance.slow_start, std::chrono::seconds(seconds)) << value;
    EXPECT_TRUE(reading.findings.empty()) << value;
  }
  for (const auto* bad : {"", "901", "-1", "30s", "1.5", "on", "99999999999999999999"}) {
    const auto reading = read("slow-start", bad);
    EXPECT_EQ(reading.backend.balance.slow_start, std::nullopt) << bad;
    EXPECT_EQ(reading.findings.size(), 1U) << bad;
  }
}

TEST(BalanceAnnotations, DifferentOnesAreDifferentBackends) {
  const std::vector<std::pair<std::string_view, std::string>> all{
      {"load-balance", "round_robin"},
      {"load-balance", "ewma"},
      {"upstream-hash-by", ""},
      {"upstream-hash-by", "$uri"},
      {"upstream-hash-by", "$uri;subset=on3"},
      {"slow-start", "0"},
      {"slow-start", "30"},
      {"panic-threshold", "0"},
      {"panic-threshold", "50"},
      {"affinity", "cookie"},
      {"service-upstream", "true"},
      {"backend-protocol", "HTTP"},
  };
  std::set<std::string> texts{""};
  for (const auto& [name, value] : all) {
    texts.insert(read(name, value).backend.text());
  }
  EXPECT_EQ(texts.size(), all.size() + 1);
}

TEST(BalanceAnnotations, CountInPlaintextToo) {
  const auto reading = read_annotations({{std::string(kNginxPrefix) + "backend-protocol", "HTTP"},
                                         {std::string(kNginxPrefix) + "load-balance", "ewma"}});
  EXPECT_NE(reading.backend.text(), read("backend-protocol", "HTTP").backend.text());
}

}  // namespace
}  // namespace portico::translate
