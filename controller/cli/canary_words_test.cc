#include "controller/cli/canary_words.h"

#include <gtest/gtest.h>

namespace portico::cli {
namespace {

using routing::CanaryRule;

TEST(CanaryWords, SayWhatIsLookedAtInItsOrder) {
  EXPECT_EQ(canary_words({}, false), "no request");
  EXPECT_EQ(
      canary_words({.header = "X-Canary", .cookie = "canary", .weight = 10}, false),
      "header X-Canary: always (never: not), else cookie canary: always (never: not), else 10 "
      "of 100 requests");
  EXPECT_EQ(canary_words({.header = "X-Canary", .header_value = "v2"}, false),
            "header X-Canary: v2");
  EXPECT_EQ(canary_words({.header = "X-User", .header_pattern = *routing::TextPattern::parse("^b")},
                         false),
            "header X-User in which ^b is found");
  EXPECT_EQ(canary_words({.header = "X-User", .header_is_unreadable = true}, false),
            "header X-User: never, because its value can't be understood");
}

TEST(CanaryWords, SessionsComeFirstWhereTheyAreHeeded) {
  EXPECT_EQ(canary_words({.weight = 1}, true), "sessions that began there, else 1 of 100 requests");
  EXPECT_EQ(canary_words({.weight = 1, .heeds_affinity = false}, true), "1 of 100 requests");
}

}  // namespace
}  // namespace portico::cli
