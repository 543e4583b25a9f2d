#include "proxy/http/compressor.h"

#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "proxy/http/testing/content_decoder.h"

namespace portico::http {
namespace {

using Until = Compressor::Until;

constexpr int kLevel = 3;

// Appends what comes out, through an output window of `room` bytes.
void code(Compressor& coder, std::string_view in, Until until, std::size_t room, std::string& out) {
  std::string window(room, '\0');
  for (int steps = 0;; ++steps) {
    const auto step = coder.step(in, window, until);
    ASSERT_LE(step.written, room);
    ASSERT_LE(step.taken, in.size());
    out.append(window, 0, step.written);
    in.remove_prefix(step.taken);
    if (step.done) {
      ASSERT_TRUE(in.empty());
      return;
    }
    ASSERT_LT(steps, 1'000'000) << "no progress";
  }
}

std::string text_of(std::size_t size) {
  std::string text;
  while (text.size() < size) {
    text += "item " + std::to_string(text.size() * 7919 % 1000) + ", ";
  }
  text.resize(size);
  return text;
}

std::string noise_of(std::size_t size) {
  std::mt19937 random(1);
  std::string noise(size, '\0');
  for (char& byte : noise) {
    byte = static_cast<char>(random());
  }
  return noise;
}

class EachCoding : public ::testing::TestWithParam<ContentCoding> {
 protected:
  // Whole in both senses: decodes to all of `text`, and says so.
  void expect_whole(std::string_view coded, std::string_view text) {
    bool whole = false;
    EXPECT_EQ(testing::decode_content(GetParam(), coded, &whole), text);
    EXPECT_TRUE(whole);
  }

  CompressorPool pool_;
};

TEST_P(EachCoding, RoundTripsHoweverTheBodyIsCut) {
  const auto text = text_of(300);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    auto coder = pool_.lend(GetParam(), kLevel);
    std::string coded;
    code(*coder, std::string_view(text).substr(0, cut), Until::kMoreComes, 64, coded);
    code(*coder, std::string_view(text).substr(cut), Until::kEnd, 64, coded);
    expect_whole(coded, text);
  }
}

TEST_P(EachCoding, RoundTripsAtEveryLevelAndThroughAnyWindow) {
  const auto text = text_of(100'000);
  const auto levels = coder_levels(GetParam());
  for (int level = levels.lowest; level <= levels.highest; ++level) {
    auto coder = pool_.lend(GetParam(), level);
    std::string coded;
    code(*coder, text, Until::kEnd, level % 2 == 0 ? 7 : 16'384, coded);
    expect_whole(coded, text);
    EXPECT_LT(coded.size(), text.size() / 2) << level;
  }
}

TEST_P(EachCoding, AFlushedPieceCanBeDecodedAtOnce) {
  auto coder = pool_.lend(GetParam(), kLevel);
  std::string coded;
  std::string text;
  for (int event = 0; event < 20; ++event) {
    const auto piece = "data: event " + std::to_string(event) + "\n\n";
    text += piece;
    code(*coder, piece, Until::kMoreComes, 16, coded);
    code(*coder, {}, Until::kFlushed, 16, coded);
    bool whole = true;
    EXPECT_EQ(testing::decode_content(GetParam(), coded, &whole), text);
    EXPECT_FALSE(whole);
  }
  code(*coder, {}, Until::kEnd, 16, coded);
  expect_whole(coded, text);
}

TEST_P(EachCoding, AnEmptyBodyIsAWholeOne) {
  auto coder = pool_.lend(GetParam(), kLevel);
  std::string coded;
  code(*coder, {}, Until::kEnd, 64, coded);
  expect_whole(coded, "");
}

TEST_P(EachCoding, WhatCannotBeCompressedHardlyGrows) {
  const auto noise = noise_of(1 << 18);
  auto coder = pool_.lend(GetParam(), kLevel);
  std::string coded;
  code(*coder, noise, Until::kEnd, 16'384, coded);
  expect_whole(coded, noise);
  EXPECT_LT(coded.size(), noise.size() + noise.size() / 100);
}

TEST_P(EachCoding, ABodyThatWasGivenUpLeavesNoTraceInTheNext) {
  const auto secret = noise_of(1 << 16);
  {
    auto coder = pool_.lend(GetParam(), kLevel);
    std::string coded;
    code(*coder, secret, Until::kMoreComes, 64, coded);
  }
  auto coder = pool_.lend(GetParam(), kLevel);
  std::string coded;
  code(*coder, secret, Until::kEnd, 16'384, coded);
  expect_whole(coded, secret);
  EXPECT_GE(coded.size(), secret.size()) << "it refers to the body before";
}

TEST_P(EachCoding, IsNotLentBeyondTheBudget) {
  const auto bytes = coder_bytes(GetParam());
  CompressorPool pool(2 * bytes);
  auto first = pool.lend(GetParam(), kLevel);
  auto second = pool.lend(GetParam(), kLevel);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(pool.lend(GetParam(), kLevel));
  first = {};
  EXPECT_EQ(pool.lent_bytes(), bytes);
  EXPECT_TRUE(pool.lend(GetParam(), kLevel));
}

TEST_P(EachCoding, LevelsOutOfRangeAreTheNearestOnes) {
  auto coder = pool_.lend(GetParam(), 100);
  std::string coded;
  code(*coder, "text", Until::kEnd, 64, coded);
  expect_whole(coded, "text");
  EXPECT_TRUE(pool_.lend(GetParam(), -1));
}

INSTANTIATE_TEST_SUITE_P(, EachCoding,
                         ::testing::Values(ContentCoding::kGzip, ContentCoding::kBrotli,
                                           ContentCoding::kZstd),
                         [](const auto& coding) { return std::string(coding_name(coding.param)); });

}  // namespace
}  // namespace portico::http
