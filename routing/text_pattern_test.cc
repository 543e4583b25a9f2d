#include "routing/text_pattern.h"

#include <string>

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

TEST(TextPattern, IsFoundAnywhereAndByCase) {
  const auto pattern = TextPattern::parse("CN=(alice|bob)");
  ASSERT_TRUE(pattern);
  EXPECT_TRUE(pattern->matches("CN=alice"));
  EXPECT_TRUE(pattern->matches("O=x,CN=bobby,C=y"));
  EXPECT_FALSE(pattern->matches("CN=Alice"));
  EXPECT_FALSE(pattern->matches(""));
  EXPECT_TRUE(TextPattern().matches(""));
}

TEST(TextPattern, ThatIsNoneIsRefused) {
  for (const auto* text : {"CN=(", "CN=[", "CN=(?=x)", "CN=*+"}) {
    EXPECT_FALSE(TextPattern::parse(text)) << text;
  }
}

// Small texts can stand for machines of gigabytes.
TEST(TextPattern, ThatTakesTooMuchMemoryIsRefused) {
  EXPECT_FALSE(TextPattern::parse("((a{100}){100}){100}"));
  EXPECT_TRUE(TextPattern::parse("^v2-[0-9a-f]{8}$"));
}

}  // namespace
}  // namespace portico::routing
