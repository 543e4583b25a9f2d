#include "controller/cli/url_encoding.h"

#include <gtest/gtest.h>

namespace portico::cli {
namespace {

TEST(PercentEncode, KeepsOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encode("https://a.test/x?y=1&z=%2F+~"),
            "https%3A%2F%2Fa.test%2Fx%3Fy%3D1%26z%3D%252F%2B~");
  EXPECT_EQ(percent_encode("\xc3\xa9"), "%C3%A9");
}

TEST(PercentDecode, UndoesPercentEncode) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) {
    every += static_cast<char>(byte);
  }
  EXPECT_EQ(percent_decode(percent_encode(every)), every);
}

TEST(PercentDecode, RefusesWhatIsNoEscape) {
  for (const auto* text : {"%", "%4", "%4g", "a%", "%-1", "% 1", "%+1"}) {
    EXPECT_FALSE(percent_decode(text)) << text;
  }
}

TEST(QueryValue, FindsTheName) {
  EXPECT_EQ(query_value("a=1&url=http%3A%2F%2Fa&b=2", "url"), "http://a");
  EXPECT_EQ(query_value("url=", "url"), "");
  EXPECT_FALSE(query_value("", "url"));
  EXPECT_FALSE(query_value("url", "url"));
  EXPECT_FALSE(query_value("curl=1&&=", "url"));
  EXPECT_FALSE(query_value("url=%", "url"));
}

}  // namespace
}  // namespace portico::cli
