#include "controller/translate/canary_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/annotations.h"

namespace portico::translate {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Given = std::map<std::string, std::string, std::less<>>;

AnnotationReading read(const Given& given) {
  Given annotations;
  for (const auto& [name, value] : given) {
    annotations.emplace(std::string(kNginxPrefix) + name, value);
  }
  return read_annotations(annotations);
}

routing::CanaryRule rule(Given given) {
  given.emplace("canary", "true");
  const auto reading = read(given);
  EXPECT_THAT(reading.findings, IsEmpty());
  return reading.canary.rule;
}

// "name: message", one a line.
std::string findings(Given given) {
  given.emplace("canary", "true");
  std::string lines;
  for (const auto& finding : read(given).findings) {
    lines += finding.annotation.substr(kNginxPrefix.size()) + ": " + finding.message + "\n";
  }
  return lines;
}

TEST(CanaryValues, NothingButCanaryServesNothing) {
  EXPECT_EQ(rule({}), routing::CanaryRule());
  EXPECT_EQ(rule({}).weight, 0U);
  EXPECT_EQ(rule({}).weight_total, 100U);
  EXPECT_TRUE(rule({}).heeds_affinity);
}

TEST(CanaryValues, AllThatIsAskedIsRead) {
  const auto all = rule({{"canary-by-header", "X-Canary"},
                         {"canary-by-header-value", "v2, and more"},
                         {"canary-by-cookie", "canary"},
                         {"canary-weight", "5"},
                         {"canary-weight-total", "1000"},
                         {"affinity-canary-behavior", "legacy"}});
  EXPECT_EQ(all, (routing::CanaryRule{.header = "X-Canary",
                                      .header_value = "v2, and more",
                                      .cookie = "canary",
                                      .weight = 5,
                                      .weight_total = 1000,
                                      .heeds_affinity = false}));
}

TEST(CanaryValues, APatternIsFoundAnywhere) {
  const auto pattern =
      rule({{"canary-by-header", "X-User"}, {"canary-by-header-pattern", "[0-4]$"}}).header_pattern;
  EXPECT_TRUE(pattern.matches("user-3"));
  EXPECT_FALSE(pattern.matches("user-7"));
}

struct Bad {
  const char* name;
  const char* annotation;
  std::string value;
};
class CanaryBadValues : public ::testing::TestWithParam<Bad> {};

TEST_P(CanaryBadValues, AreFoundAndCountAsNotGiven) {
  const auto& [name, annotation, value] = GetParam();
  const Given given{{"canary", "true"}, {annotation, value}};
  EXPECT_THAT(findings(given), HasSubstr(std::string(annotation) + ": \""));
  auto rule = read(given).canary.rule;
  rule.header_is_unreadable = false;
  EXPECT_EQ(rule, routing::CanaryRule());
}

INSTANTIATE_TEST_SUITE_P(
    Canary, CanaryBadValues,
    ::testing::Values(Bad{"HeaderWithSpaces", "canary-by-header", "X Canary"},
                      Bad{"HeaderTooLong", "canary-by-header", std::string(129, 'x')},
                      Bad{"HeaderEmpty", "canary-by-header", ""},
                      Bad{"ValueEmpty", "canary-by-header-value", ""},
                      Bad{"ValueTooLong", "canary-by-header-value", std::string(513, 'x')},
                      Bad{"ValueOfTwoLines", "canary-by-header-value", "a\nb"},
                      Bad{"PatternLooksAhead", "canary-by-header-pattern", "(?=x)"},
                      Bad{"PatternIsNone", "canary-by-header-pattern", "("},
                      Bad{"PatternTooLong", "canary-by-header-pattern", std::string(513, 'x')},
                      Bad{"PatternTooBig", "canary-by-header-pattern", "((a{100}){100}){100}"},
                      Bad{"Cookie", "canary-by-cookie", "a;b"},
                      Bad{"WeightNegative", "canary-weight", "-1"},
                      Bad{"WeightOfPercent", "canary-weight", "10%"},
                      Bad{"WeightTooBig", "canary-weight", "4294967296"},
                      Bad{"TotalOfNothing", "canary-weight-total", "0"},
                      Bad{"Behavior", "affinity-canary-behavior", "Sticky"}),
    [](const auto& param) { return param.param.name; });

TEST(CanaryValues, AHeaderThatCantBeUnderstoodKeepsItsRequestsAtTheMainBackend) {
  const Given given{{"canary-by-header", "X-Canary"}, {"canary-by-header-pattern", "(?!x)"}};
  EXPECT_TRUE(read(given).canary.rule.header_is_unreadable);
  auto with_value = given;
  with_value.emplace("canary-by-header-value", "v2");
  EXPECT_FALSE(read(with_value).canary.rule.header_is_unreadable);
}

TEST(CanaryValues, ATotalBelowAHundredIsAHundred) {
  const Given given{{"canary-weight", "10"}, {"canary-weight-total", "50"}};
  EXPECT_EQ(findings(given),
            "canary-weight-total: 50 is less than 100: 100 is in force, as in "
            "ingress-nginx\n");
  EXPECT_EQ(read(given).canary.rule.weight_total, 100U);
}

TEST(CanaryValues, AWeightBeyondItsTotalIsAll) {
  EXPECT_EQ(findings({{"canary-weight", "150"}}),
            "canary-weight: 150 is more than the 100 that it is a share of: all requests go to the "
            "canary\n");
}

TEST(CanaryValues, WhatNeedsAnotherIsFoundWithoutIt) {
  EXPECT_EQ(findings({{"canary-by-header-value", "v2"}}),
            "canary-by-header-value: has no effect without canary-by-header\n");
  EXPECT_EQ(findings({{"canary-by-header", "X"},
                      {"canary-by-header-value", "v2"},
                      {"canary-by-header-pattern", "v"}}),
            "canary-by-header-pattern: has no effect: canary-by-header-value comes before it\n");
  EXPECT_EQ(findings({{"canary", "false"}, {"canary-weight", "10"}}),
            "canary-weight: \"10\" has no effect without `canary: \"true\"`\n");
  EXPECT_EQ(findings({{"canary", "false"}, {"affinity-canary-behavior", "sticky"}}), "");
}

}  // namespace
}  // namespace portico::translate
