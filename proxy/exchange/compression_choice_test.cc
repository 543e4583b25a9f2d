#include "proxy/exchange/compression_choice.h"

#include <gtest/gtest.h>

namespace portico::exchange {
namespace {

using http::ContentCoding;

routing::CompressionSettings all_on() {
  routing::CompressionSettings settings;
  settings.gzip.enabled = settings.brotli.enabled = settings.zstd.enabled = true;
  return settings;
}

struct Pair {
  http::RequestHead request;
  http::ResponseHead response;

  Pair() {
    response.framing = http::Framing::kChunked;
    asked("Accept-Encoding", "gzip, deflate, br, zstd");
    answered("Content-Type", "text/html; charset=utf-8");
  }
  Pair& asked(std::string_view name, std::string_view value) {
    request.fields.add(http::field_id(name), name, value);
    return *this;
  }
  Pair& answered(std::string_view name, std::string_view value) {
    response.fields.add(http::field_id(name), name, value);
    return *this;
  }
  // Another type than the page's.
  Pair& of_type(std::string_view type) {
    response.fields.clear();
    return answered("Content-Type", type);
  }
  [[nodiscard]] CompressionChoice choose(
      const routing::CompressionSettings& settings = all_on()) const {
    return choose_compression(settings, request, response);
  }
};

struct Negotiation {
  std::string_view accept;
  ContentCoding chosen;
};

TEST(CompressionChoice, WeighsCodingsByQValues) {
  constexpr auto kNone = ContentCoding::kIdentity;
  constexpr auto kGzip = ContentCoding::kGzip;
  constexpr auto kBrotli = ContentCoding::kBrotli;
  constexpr auto kZstd = ContentCoding::kZstd;
  const Negotiation rows[] = {
      {"", kNone},
      {"gzip", kGzip},
      {"GZIP", kGzip},
      {"x-gzip", kGzip},
      {"br", kBrotli},
      {"zstd", kZstd},
      {"deflate", kNone},
      {"compress, deflate", kNone},
      {"gzip, br", kBrotli},
      {"gzip, deflate, br, zstd", kZstd},
      {"gzip;q=1.0, br;q=0.9", kGzip},
      {"gzip;q=0.8, br;q=0.80, zstd;q=0.7", kBrotli},
      {"gzip ; q=0.5 , br ; Q=0.4", kGzip},
      {"gzip;q=0", kNone},
      {"gzip;q=0.000, br;q=0", kNone},
      {"gzip;q=0.001", kGzip},
      {"*", kZstd},
      {"*;q=0.1", kZstd},
      {"*;q=0", kNone},
      {"gzip, *;q=0", kGzip},
      {"zstd;q=0, *", kBrotli},
      {"identity", kNone},
      {"identity, gzip", kGzip},
      {"identity;q=0.5, gzip;q=0.4", kNone},
      {"identity;q=0.4, gzip;q=0.5", kGzip},
      {"identity;q=0", kNone},
      {"identity;q=0, gzip;q=0.1", kGzip},
      // What is no weight asks for nothing.
      {"gzip;q=2", kNone},
      {"gzip;q=1.001", kNone},
      {"gzip;q=0.1234", kNone},
      {"gzip;q=", kNone},
      {"gzip;q=.5", kNone},
      {"gzip;q=-1", kNone},
      {"gzip;level=9", kNone},
      {"gzippy, brr", kNone},
      {",, ,gzip,", kGzip},
  };
  for (const auto& row : rows) {
    Pair pair;
    pair.request.fields.clear();
    pair.asked("Accept-Encoding", row.accept);
    const auto choice = pair.choose();
    EXPECT_EQ(choice.coding, row.chosen) << row.accept;
    EXPECT_TRUE(choice.varies) << row.accept;
  }
}

TEST(CompressionChoice, SeveralAcceptEncodingFieldsAreOneList) {
  Pair pair;
  pair.request.fields.clear();
  pair.asked("Accept-Encoding", "gzip;q=0.5").asked("accept-encoding", "br;q=0.6");
  EXPECT_EQ(pair.choose().coding, ContentCoding::kBrotli);
}

TEST(CompressionChoice, OffIsOff) {
  EXPECT_EQ(Pair().choose({}), CompressionChoice());
}

TEST(CompressionChoice, OnlyEnabledCodingsAreChosen) {
  routing::CompressionSettings settings;
  settings.gzip = {.enabled = true, .level = 7};
  EXPECT_EQ(Pair().choose(settings),
            (CompressionChoice{.coding = ContentCoding::kGzip, .level = 7, .varies = true}));
}

TEST(CompressionChoice, ABodyMustBeLongEnoughForEachCoding) {
  const std::pair<std::string_view, ContentCoding> rows[] = {
      {"0", ContentCoding::kIdentity}, {"19", ContentCoding::kIdentity},
      {"20", ContentCoding::kBrotli},  {"255", ContentCoding::kBrotli},
      {"256", ContentCoding::kZstd},
  };
  for (const auto& [length, coding] : rows) {
    Pair pair;
    pair.answered("Content-Length", length);
    pair.response.framing = http::Framing::kLength;
    EXPECT_EQ(pair.choose().coding, coding) << length;
  }
}

TEST(CompressionChoice, AnEmptyBodyIsNeverCoded) {
  auto settings = all_on();
  settings.gzip.min_length_bytes = settings.brotli.min_length_bytes =
      settings.zstd.min_length_bytes = 0;
  Pair pair;
  pair.answered("Content-Length", "0");
  EXPECT_EQ(pair.choose(settings), CompressionChoice());
}

TEST(CompressionChoice, TypesAreThoseOfTheList) {
  const std::pair<std::string_view, bool> rows[] = {
      {"text/html", true},
      {"TEXT/HTML", true},
      {"text/html;charset=utf-8", true},
      {"application/json", true},
      {"Application/JSON ; charset=utf-8", true},
      {"image/svg+xml", true},
      {"text/csv", false},
      {"text/htmlx", false},
      {"text", false},
      {"", false},
  };
  for (const auto& [type, coded] : rows) {
    EXPECT_EQ(Pair().of_type(type).choose() != CompressionChoice(), coded) << type;
  }
}

TEST(CompressionChoice, AnAnswerWithoutATypeIsLeftAlone) {
  Pair pair;
  pair.response.fields.clear();
  EXPECT_EQ(pair.choose(), CompressionChoice());
}

TEST(CompressionChoice, EveryTypeMeansAllButPackedOnes) {
  auto settings = all_on();
  settings.gzip.types = settings.brotli.types = settings.zstd.types = {"*"};
  EXPECT_EQ(Pair().of_type("text/csv").choose(settings).coding, ContentCoding::kZstd);
  EXPECT_EQ(Pair().of_type("image/bmp").choose(settings).coding, ContentCoding::kZstd);
  for (const std::string_view packed :
       {"image/png", "IMAGE/JPEG", "video/mp4", "audio/ogg", "font/woff2", "application/zip",
        "application/gzip", "application/zstd", "application/grpc", "application/grpc+proto"}) {
    EXPECT_EQ(Pair().of_type(packed).choose(settings), CompressionChoice()) << packed;
  }
}

TEST(CompressionChoice, WhatMustStayAsItIsStays) {
  EXPECT_EQ(Pair().answered("Content-Encoding", "gzip").choose(), CompressionChoice());
  EXPECT_EQ(Pair().answered("content-encoding", "identity").choose(), CompressionChoice());
  EXPECT_EQ(Pair().answered("Cache-Control", "public, No-Transform").choose(), CompressionChoice());
  EXPECT_EQ(Pair().asked("Cache-Control", "no-transform").choose(), CompressionChoice());
  EXPECT_EQ(Pair().answered("Content-Range", "bytes 0-9/100").choose(), CompressionChoice());
}

TEST(CompressionChoice, StatusesWithoutAWholeBodyAreLeftAlone) {
  const std::pair<std::uint16_t, bool> rows[] = {{200, true},  {201, true},  {204, false},
                                                 {205, false}, {206, false}, {226, false},
                                                 {304, false}, {404, true},  {500, true}};
  for (const auto& [status, coded] : rows) {
    Pair pair;
    pair.response.status = status;
    EXPECT_EQ(pair.choose().coding != ContentCoding::kIdentity, coded) << status;
  }
}

TEST(CompressionChoice, TheAnswerToHeadIsDescribedAsThatToGet) {
  Pair pair;
  pair.request.method = http::Method::kHead;
  pair.response.framing = http::Framing::kNone;
  pair.answered("Content-Length", "5000");
  EXPECT_EQ(pair.choose().coding, ContentCoding::kZstd);
}

TEST(CompressionChoice, ABodyWithoutBytesIsLeftAlone) {
  Pair pair;
  pair.response.framing = http::Framing::kNone;
  EXPECT_EQ(pair.choose(), CompressionChoice());
}

TEST(CompressionChoice, AnHttp10ClientCanNotBeToldTheEndButCachesAreToldThatItVaries) {
  Pair pair;
  pair.request.version_minor = 0;
  EXPECT_EQ(pair.choose(), CompressionChoice{.varies = true});
}

TEST(CompressionChoice, KnowsWhatTheAnswerVariesBy) {
  const std::pair<std::string_view, bool> rows[] = {
      {"Accept-Encoding", true}, {"Origin, accept-encoding", true}, {"*", true}, {"Origin", false}};
  for (const auto& [value, varies] : rows) {
    Pair pair;
    pair.answered("Vary", value);
    EXPECT_EQ(varies_by_encoding(pair.response.fields), varies) << value;
  }
}

}  // namespace
}  // namespace portico::exchange
