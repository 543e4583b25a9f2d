#include <gtest/gtest.h>

#include "proxy/exchange/testing/scene.h"
#include "proxy/http/testing/content_decoder.h"

namespace portico::exchange::testing {
namespace {

using http::ContentCoding;
using http::testing::decode_content;

std::shared_ptr<const Config> compressing_shop() {
  auto compression = std::make_shared<routing::CompressionSettings>();
  compression->gzip.enabled = true;
  auto config = std::make_shared<Config>(*shop());
  config->compression = std::move(compression);
  return config;
}

struct CompressingScene : Scene {
  CompressingScene() : Scene(compressing_shop()) { field("Accept-Encoding", "gzip"); }

  using Fields = std::vector<std::pair<std::string, std::string>>;
  void answer_head(http::Framing framing = http::Framing::kChunked, std::uint64_t length = 0,
                   Fields extra = {}) {
    extra.emplace_back("Content-Type", "text/html");
    if (framing == http::Framing::kLength) {
      extra.emplace_back("Content-Length", std::to_string(length));
    }
    backend().answer_head(200, framing, length, {}, extra);
  }
  [[nodiscard]] bool said(std::string_view line) const {
    return client.fields.find(std::string(line) + "\n") != std::string::npos;
  }
};

TEST(ExchangeCompression, CodesTheBodyAndSaysSo) {
  CompressingScene scene;
  scene.start();
  const std::string page(1000, 'x');
  scene.answer_head(http::Framing::kLength, page.size(),
                    {{"ETag", "\"a1\""}, {"Accept-Ranges", "bytes"}, {"Content-MD5", "x"}});
  scene.backend().answer_body(page);
  scene.backend().answer_end();

  EXPECT_EQ(scene.client.framing, http::Framing::kChunked);
  EXPECT_TRUE(scene.said("Content-Encoding: gzip"));
  EXPECT_TRUE(scene.said("Vary: Accept-Encoding"));
  EXPECT_TRUE(scene.said("ETag: W/\"a1\""));
  EXPECT_EQ(scene.client.fields.find("Accept-Ranges"), std::string::npos);
  EXPECT_EQ(scene.client.fields.find("Content-MD5"), std::string::npos);
  EXPECT_EQ(scene.client.fields.find("ETag: \"a1\""), std::string::npos);
  bool whole = false;
  EXPECT_EQ(decode_content(ContentCoding::kGzip, scene.client.body, &whole), page);
  EXPECT_TRUE(whole);
  EXPECT_EQ(scene.record().response_bytes, scene.client.body.size());
  EXPECT_EQ(scene.worker.context.compressors.lent_bytes(), 0U);
  scene.expect_finished();
}

TEST(ExchangeCompression, WhatTheBackendWroteBeforeAPauseIsOnItsWayWhole) {
  CompressingScene scene;
  scene.start();
  scene.answer_head();
  std::string told;
  for (int event = 0; event < 5; ++event) {
    const auto text = "data: " + std::to_string(event) + "\n\n";
    told += text;
    scene.backend().answer_body(text);
    scene.backend().answer_flush();
    EXPECT_EQ(decode_content(ContentCoding::kGzip, scene.client.body), told);
    EXPECT_EQ(scene.client.flushes, event + 1);
  }
}

TEST(ExchangeCompression, ATurnWithoutBytesAddsNone) {
  CompressingScene scene;
  scene.start();
  scene.answer_head();
  scene.backend().answer_body("x");
  scene.backend().answer_flush();
  const auto before = scene.client.body.size();
  scene.backend().answer_flush();
  EXPECT_EQ(scene.client.body.size(), before);
}

TEST(ExchangeCompression, AClientThatDoesNotReadStopsTheBackendWhenFlushed) {
  CompressingScene scene;
  scene.start();
  scene.answer_head();
  scene.backend().answer_body("x");
  scene.client.slow = true;
  scene.backend().answer_flush();
  EXPECT_FALSE(scene.backend().credit);
  scene.client.slow = false;
  scene.exchange.on_client_writable();
  EXPECT_TRUE(scene.backend().credit);
}

TEST(ExchangeCompression, TrailersAreKept) {
  CompressingScene scene;
  scene.start();
  scene.answer_head();
  scene.backend().answer_body("text");
  http::FieldBlock trailers;
  trailers.add(http::FieldId::kOther, "X-Sum", "1");
  scene.backend().answer_end(&trailers);
  EXPECT_TRUE(scene.client.body.ends_with("|X-Sum=1"));
}

TEST(ExchangeCompression, ACutAnswerIsCutAndItsCoderGivenBack) {
  CompressingScene scene;
  scene.start();
  scene.answer_head();
  scene.backend().answer_body("half");
  scene.backend().fail({.reason = "reset"});
  EXPECT_TRUE(scene.client.aborted);
  EXPECT_FALSE(scene.client.ended);
  EXPECT_EQ(scene.worker.context.compressors.lent_bytes(), 0U);
  scene.expect_finished();
}

TEST(ExchangeCompression, AnAnswerToHeadIsDescribedAsCodedAndHasNoCoder) {
  CompressingScene scene;
  scene.get("/", http::Method::kHead, "HEAD");
  scene.field("Accept-Encoding", "gzip");
  scene.start();
  scene.backend().answer_head(200, http::Framing::kNone, 0, {},
                              {{"Content-Type", "text/html"}, {"Content-Length", "5000"}});
  EXPECT_EQ(scene.worker.context.compressors.lent_bytes(), 0U);
  scene.backend().answer_end();
  EXPECT_TRUE(scene.said("Content-Encoding: gzip"));
  EXPECT_EQ(scene.client.body, "");
}

TEST(ExchangeCompression, AClientThatTakesNoCodingIsToldThatTheAnswerVaries) {
  CompressingScene scene;
  scene.get("/");
  scene.start();
  scene.answer_head(http::Framing::kLength, 1000, {{"ETag", "\"a1\""}});
  EXPECT_EQ(scene.client.framing, http::Framing::kLength);
  EXPECT_TRUE(scene.said("Vary: Accept-Encoding"));
  EXPECT_TRUE(scene.said("ETag: \"a1\""));
  EXPECT_EQ(scene.client.fields.find("Content-Encoding"), std::string::npos);
}

TEST(ExchangeCompression, VaryIsSaidOnce) {
  CompressingScene scene;
  scene.start();
  scene.answer_head(http::Framing::kChunked, 0, {{"Vary", "accept-encoding"}});
  EXPECT_EQ(scene.client.fields.find("Vary: Accept-Encoding"), std::string::npos);
  EXPECT_TRUE(scene.said("Vary: accept-encoding"));
}

TEST(ExchangeCompression, WithoutACoderToLendTheAnswerGoesAsItIs) {
  CompressingScene scene;
  std::vector<http::LentCompressor> others;
  while (auto coder = scene.worker.context.compressors.lend(ContentCoding::kGzip, 1)) {
    others.push_back(std::move(coder));
  }
  scene.start();
  scene.answer_head(http::Framing::kLength, 1000);
  EXPECT_EQ(scene.client.framing, http::Framing::kLength);
  EXPECT_EQ(scene.client.content_length, 1000U);
  EXPECT_EQ(scene.client.fields.find("Content-Encoding"), std::string::npos);
  EXPECT_TRUE(scene.said("Vary: Accept-Encoding"));
}

TEST(ExchangeCompression, AChangeOfTheConfigInTheMiddleLetsTheAnswerGoOn) {
  CompressingScene scene;
  scene.start();
  scene.answer_head();
  scene.backend().answer_body("before, ");
  scene.worker.adopt(shop());
  scene.backend().answer_body("after");
  scene.backend().answer_end();
  bool whole = false;
  EXPECT_EQ(decode_content(ContentCoding::kGzip, scene.client.body, &whole), "before, after");
  EXPECT_TRUE(whole);
}

}  // namespace
}  // namespace portico::exchange::testing
