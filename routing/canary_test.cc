#include "routing/canary.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

using enum CanaryFacts::Session;

enum class Chosen : std::uint8_t { kCanary, kMain, kByWeight };

Chosen chosen(const CanaryRule& rule, const CanaryFacts& facts) {
  const auto decided = choose_canary_by_request(rule, facts);
  if (!decided) {
    return Chosen::kByWeight;
  }
  return *decided ? Chosen::kCanary : Chosen::kMain;
}

CanaryRule by_header(std::string value = {}, std::string_view pattern = {}) {
  CanaryRule rule{.header = "X-Canary", .header_value = std::move(value)};
  if (!pattern.empty()) {
    rule.header_pattern = *TextPattern::parse(pattern);
  }
  return rule;
}

struct Case {
  const char* name;
  CanaryRule rule;
  CanaryFacts facts;
  Chosen expected;
};

class CanaryTable : public ::testing::TestWithParam<Case> {};

TEST_P(CanaryTable, Chooses) {
  EXPECT_EQ(chosen(GetParam().rule, GetParam().facts), GetParam().expected);
}

CanaryRule with_cookie(CanaryRule rule) {
  rule.cookie = "canary";
  return rule;
}

CanaryRule unreadable() {
  auto rule = with_cookie(by_header());
  rule.header_is_unreadable = true;
  return rule;
}

CanaryRule legacy() {
  auto rule = by_header();
  rule.heeds_affinity = false;
  return rule;
}

INSTANTIATE_TEST_SUITE_P(
    Canary, CanaryTable,
    ::testing::Values(
        Case{"NothingIsAsked", {}, {.header = "always", .cookie = "always"}, Chosen::kByWeight},
        Case{"HeaderAlways", by_header(), {.header = "always"}, Chosen::kCanary},
        Case{"HeaderNever", by_header(), {.header = "never"}, Chosen::kMain},
        Case{"HeaderIsCompared", by_header(), {.header = "Always"}, Chosen::kByWeight},
        Case{"HeaderEmpty", by_header(), {.header = ""}, Chosen::kByWeight},
        Case{"HeaderAbsent", by_header(), {}, Chosen::kByWeight},
        Case{"Value", by_header("v2"), {.header = "v2"}, Chosen::kCanary},
        Case{"OtherValue", by_header("v2"), {.header = "v3"}, Chosen::kByWeight},
        Case{
            "ValueTakesAlwaysItsMeaning", by_header("v2"), {.header = "always"}, Chosen::kByWeight},
        Case{"ValueTakesNeverItsMeaning", by_header("v2"), {.header = "never"}, Chosen::kByWeight},
        Case{"PatternAnywhere", by_header("", "v[23]"), {.header = "is v3."}, Chosen::kCanary},
        Case{"PatternAnchored", by_header("", "^v[23]$"), {.header = "is v3"}, Chosen::kByWeight},
        Case{"ValueBeforePattern", by_header("v2", "v3"), {.header = "v3"}, Chosen::kByWeight},
        Case{"CookieAlways", with_cookie({}), {.cookie = "always"}, Chosen::kCanary},
        Case{"CookieNever", with_cookie({}), {.cookie = "never"}, Chosen::kMain},
        Case{"CookieOther", with_cookie({}), {.cookie = "yes"}, Chosen::kByWeight},
        Case{"HeaderBeforeCookie",
             with_cookie(by_header()),
             {.header = "never", .cookie = "always"},
             Chosen::kMain},
        Case{"OtherHeaderLeavesItToTheCookie",
             with_cookie(by_header()),
             {.header = "x", .cookie = "always"},
             Chosen::kCanary},
        Case{"OtherValueLeavesItToTheCookie",
             with_cookie(by_header("v2")),
             {.header = "v3", .cookie = "never"},
             Chosen::kMain},
        Case{"UnreadableHeaderIsTheMainBackends",
             unreadable(),
             {.header = "v2", .cookie = "always"},
             Chosen::kMain},
        Case{
            "WithoutTheHeaderTheCookieCounts", unreadable(), {.cookie = "always"}, Chosen::kCanary},
        Case{"SessionOfTheCanary",
             by_header(),
             {.session = kCanary, .header = "never"},
             Chosen::kCanary},
        Case{"SessionOfTheMainBackend",
             by_header(),
             {.session = kMain, .header = "always"},
             Chosen::kMain},
        Case{"LegacyIgnoresSessions",
             legacy(),
             {.session = kMain, .header = "always"},
             Chosen::kCanary},
        Case{"LegacyIgnoresTheCanarysToo", legacy(), {.session = kCanary}, Chosen::kByWeight}),
    [](const auto& param) { return param.param.name; });

double share(std::uint32_t weight, std::uint32_t total, int requests) {
  Lots lots(7);
  const CanaryRule rule{.weight = weight, .weight_total = total};
  int to_canary = 0;
  for (int i = 0; i < requests; ++i) {
    to_canary += choose_canary(rule, {}, lots) ? 1 : 0;
  }
  return static_cast<double>(to_canary) / requests;
}

TEST(Canary, NoWeightIsNeverAndTheWholeWeightAlways) {
  EXPECT_EQ(share(0, 100, 10'000), 0);
  EXPECT_EQ(share(100, 100, 10'000), 1);
  EXPECT_EQ(share(1000, 1000, 10'000), 1);
  EXPECT_EQ(share(150, 100, 10'000), 1);
}

TEST(Canary, TheWeightIsItsShareOfAllRequests) {
  constexpr int kRequests = 200'000;
  for (const auto& [weight, total] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{
           {1, 100}, {10, 100}, {50, 100}, {99, 100}, {1, 1000}, {333, 1000}}) {
    const double wanted = static_cast<double>(weight) / total;
    const double deviation = std::sqrt(wanted * (1 - wanted) / kRequests);
    EXPECT_NEAR(share(weight, total, kRequests), wanted, 4 * deviation) << weight << "/" << total;
  }
}

TEST(Canary, WhatTheRequestSaysNeedsNoLot) {
  Lots lots(7);
  const auto before = Lots(7).next();
  CanaryRule rule = by_header();
  rule.weight = 100;
  EXPECT_FALSE(choose_canary(rule, {.header = "never"}, lots));
  EXPECT_EQ(lots.next(), before);
}

}  // namespace
}  // namespace portico::routing
