#include "controller/translate/retry_reading.h"

#include <gtest/gtest.h>

#include "controller/translate/config_map.h"

namespace portico::translate {
namespace {

using namespace std::chrono_literals;
using routing::RetryConditions;
using enum routing::RetryOn;

routing::RetryPolicy by_annotations(
    const std::map<std::string, std::string, std::less<>>& annotations,
    const routing::Policy& defaults = {}) {
  const auto reading = read_annotations(annotations, defaults);
  EXPECT_TRUE(reading.findings.empty());
  return reading.policy.retries;
}

ConfigMapReading by_config_map(std::map<std::string, std::string> data) {
  kube::ConfigMap object;
  for (auto& [key, value] : data) {
    object.data.emplace(key, value);
  }
  return read_config_map("default/portico", &object);
}

TEST(RetryReading, IsIngressNginxsDefaultWhereNothingIsSaid) {
  const auto retries = by_annotations({});
  EXPECT_EQ(retries.on, (RetryConditions{kError, kTimeout}));
  EXPECT_EQ(retries.tries, 3U);
  EXPECT_EQ(retries.timeout, 0ms);
  EXPECT_FALSE(retries.repeats_any_method());
}

TEST(RetryReading, TakesEveryWordThatNginxKnows) {
  EXPECT_EQ(by_annotations({{"nginx.ingress.kubernetes.io/proxy-next-upstream",
                             " error timeout  invalid_header http_500 http_502 http_503 http_504 "
                             "http_403 http_404 http_429 non_idempotent\n"}})
                .on,
            (RetryConditions{kError, kTimeout, kInvalidHeader, kHttp500, kHttp502, kHttp503,
                             kHttp504, kHttp403, kHttp404, kHttp429, kNonIdempotent}));
}

TEST(RetryReading, IsOffWhereOffIsAmongOthers) {
  for (const auto* value : {"off", "error off", "off http_502"}) {
    EXPECT_TRUE(
        by_annotations({{"nginx.ingress.kubernetes.io/proxy-next-upstream", value}}).on.empty())
        << value;
  }
}

TEST(RetryReading, RefusesOtherWordsAsAWhole) {
  for (const auto* value : {"", "errors", "http_501", "error,timeout", "error http_5xx", "Off"}) {
    routing::Policy policy;
    EXPECT_FALSE(read_next_upstream(value, policy)) << value;
    EXPECT_EQ(policy, routing::Policy()) << value;
  }
}

TEST(RetryReading, ReadsTriesAndTimeout) {
  const auto retries =
      by_annotations({{"nginx.ingress.kubernetes.io/proxy-next-upstream-tries", "0"},
                      {"nginx.ingress.kubernetes.io/proxy-next-upstream-timeout", "7"}});
  EXPECT_EQ(retries.tries, 0U);
  EXPECT_EQ(retries.timeout, 7s);
  routing::Policy policy;
  for (const auto* value : {"", "-1", "x", "1s"}) {
    EXPECT_FALSE(read_next_upstream_tries(value, policy)) << value;
    EXPECT_FALSE(read_next_upstream_timeout(value, policy)) << value;
  }
  EXPECT_TRUE(read_next_upstream_tries("99999999999", policy));
  EXPECT_FALSE(read_next_upstream_timeout("99999999999", policy));
}

TEST(RetryReading, LetsTheConfigMapSayItForEveryRoute) {
  const auto reading = by_config_map({{"proxy-next-upstream", "http_502"},
                                      {"proxy-next-upstream-tries", "5"},
                                      {"proxy-next-upstream-timeout", "2"},
                                      {"retry-non-idempotent", "true"}});
  EXPECT_TRUE(reading.diagnostics.empty());
  const auto& retries = reading.defaults.retries;
  EXPECT_EQ(retries.on, RetryConditions{kHttp502});
  EXPECT_EQ(retries.tries, 5U);
  EXPECT_EQ(retries.timeout, 2s);
  EXPECT_TRUE(retries.repeats_any_method());
}

TEST(RetryReading, RepeatsAnyMethodByTheConfigMapWhateverAnIngressNames) {
  const auto defaults = by_config_map({{"retry-non-idempotent", "true"}}).defaults;
  const auto retries =
      by_annotations({{"nginx.ingress.kubernetes.io/proxy-next-upstream", "error"}}, defaults);
  EXPECT_EQ(retries.on, RetryConditions{kError});
  EXPECT_TRUE(retries.repeats_any_method());
}

}  // namespace
}  // namespace portico::translate
