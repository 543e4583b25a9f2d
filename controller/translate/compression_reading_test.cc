#include "controller/translate/compression_reading.h"

#include <gmock/gmock.h>

#include "controller/translate/config_map.h"

namespace portico::translate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ConfigMapReading read(const std::string& key, const std::string& value) {
  kube::ConfigMap object;
  object.data.emplace(key, value);
  return read_config_map("ingress/settings", &object);
}

TEST(CompressionReading, DefaultsAreThoseOfIngressNginxWithAllOff) {
  const auto defaults = read("ssl-redirect", "true").settings.compression;
  EXPECT_FALSE(defaults.any());
  EXPECT_EQ(defaults.gzip.level, 1);
  EXPECT_EQ(defaults.gzip.min_length_bytes, 256U);
  EXPECT_THAT(defaults.gzip.types, SizeIs(17));
  EXPECT_EQ(defaults.brotli.level, 4);
  EXPECT_EQ(defaults.brotli.min_length_bytes, 20U);
  EXPECT_THAT(defaults.brotli.types, SizeIs(18));
}

TEST(CompressionReading, SetsEachCodingByItself) {
  EXPECT_TRUE(read("use-gzip", "true").settings.compression.gzip.enabled);
  EXPECT_TRUE(read("enable-brotli", "true").settings.compression.brotli.enabled);
  EXPECT_TRUE(read("enable-zstd", "true").settings.compression.zstd.enabled);
  EXPECT_EQ(read("gzip-level", "9").settings.compression.gzip.level, 9);
  EXPECT_EQ(read("brotli-level", "0").settings.compression.brotli.level, 0);
  EXPECT_EQ(read("zstd-level", "7").settings.compression.zstd.level, 7);
  EXPECT_EQ(read("gzip-min-length", "1000").settings.compression.gzip.min_length_bytes, 1000U);
  EXPECT_EQ(read("brotli-min-length", "0").settings.compression.brotli.min_length_bytes, 0U);
  EXPECT_EQ(read("zstd-min-length", "5").settings.compression.zstd.min_length_bytes, 5U);
}

TEST(CompressionReading, TypesStandBetweenSpacesInAnyCase) {
  const auto types = [](const std::string& value) {
    return read("gzip-types", value).settings.compression.gzip.types;
  };
  EXPECT_THAT(types(" text/CSS\n application/json "), ElementsAre("text/css", "application/json"));
  EXPECT_THAT(types("*"), ElementsAre("*"));
  EXPECT_THAT(types(" "), IsEmpty());
}

TEST(CompressionReading, WhatCanNotBeReadIsAnErrorAndTheDefaultStays) {
  const std::pair<const char*, const char*> rows[] = {
      {"use-gzip", "on"},        {"gzip-level", "0"},          {"gzip-level", "10"},
      {"gzip-level", "fast"},    {"brotli-level", "12"},       {"zstd-level", "0"},
      {"gzip-min-length", "-1"}, {"gzip-min-length", "1k"},    {"gzip-types", "css"},
      {"gzip-types", "text/"},   {"brotli-types", "a/b, c/d"}, {"zstd-types", "text/css;q=1"},
  };
  for (const auto& [key, value] : rows) {
    const auto reading = read(key, value);
    ASSERT_THAT(reading.diagnostics, SizeIs(1)) << key << " " << value;
    EXPECT_EQ(reading.diagnostics[0].severity, routing::Severity::kError) << key << " " << value;
    EXPECT_EQ(reading.settings, routing::Settings()) << key << " " << value;
  }
}

}  // namespace
}  // namespace portico::translate
