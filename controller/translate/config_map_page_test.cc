#include "controller/translate/config_map_page.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portico::translate {
namespace {

using ::testing::HasSubstr;

TEST(ConfigMapChartKeys, SayWhyAKeyHasNoEffect) {
  const auto keys = config_map_chart_keys();
  EXPECT_THAT(keys, HasSubstr("  - ssl-redirect\n"));
  EXPECT_THAT(keys, HasSubstr("  server-tokens: {why: 'answers name no version', harmless: "
                              "'false'}\n"));
  EXPECT_THAT(keys, HasSubstr("  client-header-buffer-size: {why: 'a request''s head may have"));
}

// With PORTICO_WRITE_DOCS set the file is written instead of compared.
TEST(ConfigMapChartKeys, AreTheTablesPrint) {
  constexpr const char* kPath = "charts/portico/files/config-keys.yaml";
  if (std::getenv("PORTICO_WRITE_DOCS") != nullptr) {
    std::ofstream(kPath) << config_map_chart_keys();
  }
  std::ifstream file(kPath);
  ASSERT_TRUE(file) << "run from the root of the sources";
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), config_map_chart_keys())
      << "run portico_translate_test with PORTICO_WRITE_DOCS=1";
}

}  // namespace
}  // namespace portico::translate
