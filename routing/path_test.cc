#include "routing/path.h"

#include <random>

#include <gtest/gtest.h>

#include "routing/testing/count_allocations.h"
#include "routing/testing/naive_path.h"

namespace portico::routing {
namespace {

std::string path_of(std::string_view target) {
  NormalTarget normal;
  const auto parsed = normal.parse(target);
  return parsed ? std::string(normal.path()) : "error: " + std::string(to_string(parsed.error()));
}

std::string upstream_of(std::string_view target) {
  NormalTarget normal;
  return normal.parse(target) ? std::string(normal.upstream()) : "error";
}

TargetError error_of(std::string_view target) {
  NormalTarget normal;
  const auto parsed = normal.parse(target);
  EXPECT_FALSE(parsed) << target;
  return parsed ? TargetError::kEmpty : parsed.error();
}

TEST(NormalTarget, RemovesDotSegments) {
  EXPECT_EQ(path_of("/a/./b"), "/a/b");
  EXPECT_EQ(path_of("/a/../b"), "/b");
  EXPECT_EQ(path_of("/a/b/../../c"), "/c");
  EXPECT_EQ(path_of("/a/%2e%2E/b"), "/b");
  EXPECT_EQ(path_of("/a/.%2e/b"), "/b");
  EXPECT_EQ(path_of("/a/%2e/b"), "/a/b");
}

TEST(NormalTarget, ATrailingDotSegmentLeavesASlash) {
  EXPECT_EQ(path_of("/a/."), "/a/");
  EXPECT_EQ(path_of("/a/b/.."), "/a/");
  EXPECT_EQ(path_of("/a/.."), "/");
  EXPECT_EQ(path_of("/."), "/");
  EXPECT_EQ(path_of("/a/%2e"), "/a/");
  EXPECT_EQ(upstream_of("/a/b/..?q"), "/a/?q");
}

TEST(NormalTarget, KeepsSegmentsThatOnlyBeginWithDots) {
  for (const auto* path :
       {"/.well-known/x", "/..a", "/...", "/a./b", "/a../b", "/.a/..b", "/a/..."}) {
    EXPECT_EQ(path_of(path), path);
    EXPECT_EQ(upstream_of(path), path);
  }
}

TEST(NormalTarget, MergesSlashesForMatchingOnly) {
  EXPECT_EQ(path_of("/fetch/https://x//y/"), "/fetch/https:/x/y/");
  EXPECT_EQ(upstream_of("/fetch/https://x//y/"), "/fetch/https://x//y/");
  EXPECT_EQ(path_of("//"), "/");
}

TEST(NormalTarget, RemovesDotSegmentsBeforeItMergesSlashes) {
  EXPECT_EQ(upstream_of("/a//../b"), "/a/b");
  EXPECT_EQ(path_of("/a//../b"), "/a/b");
  EXPECT_EQ(upstream_of("/a//b/../c"), "/a//c");
}

TEST(NormalTarget, DecodesOnlyUnreservedBytesAndOnlyForMatching) {
  EXPECT_EQ(path_of("/%7Euser/%61%2D%5f"), "/~user/a-_");
  EXPECT_EQ(upstream_of("/%7Euser/%61%2D%5f"), "/%7Euser/%61%2D%5f");
  EXPECT_EQ(path_of("/a%2Fb"), "/a%2Fb");
  EXPECT_EQ(path_of("/a%2fb%3f"), "/a%2Fb%3F");
  EXPECT_EQ(path_of("/%252e%252e/x"), "/%252e%252e/x");
  EXPECT_EQ(path_of("/caf%c3%a9"), "/caf%C3%A9");
}

TEST(NormalTarget, SplitsOffTheQuery) {
  NormalTarget target;
  ASSERT_TRUE(target.parse("/a/../b?x=/../%zz&y=//?"));
  EXPECT_EQ(target.path(), "/b");
  EXPECT_EQ(target.upstream(), "/b?x=/../%zz&y=//?");
  EXPECT_EQ(target.query(), "x=/../%zz&y=//?");
  ASSERT_TRUE(target.parse("/a?"));
  EXPECT_EQ(target.query(), "");
  EXPECT_EQ(target.upstream(), "/a?");
}

TEST(NormalTarget, AcceptsTheAsterisk) {
  EXPECT_EQ(path_of("*"), "*");
  EXPECT_EQ(upstream_of("*"), "*");
  EXPECT_EQ(error_of("*x"), TargetError::kNotAbsolute);
}

TEST(NormalTarget, RefusesWhatItMust) {
  EXPECT_EQ(error_of(""), TargetError::kEmpty);
  EXPECT_EQ(error_of("a"), TargetError::kNotAbsolute);
  EXPECT_EQ(error_of("?a"), TargetError::kNotAbsolute);
  EXPECT_EQ(error_of("http://a/"), TargetError::kNotAbsolute);
  EXPECT_EQ(error_of("/a%"), TargetError::kBadEscape);
  EXPECT_EQ(error_of("/a%2"), TargetError::kBadEscape);
  EXPECT_EQ(error_of("/a%2?1"), TargetError::kBadEscape);
  EXPECT_EQ(error_of("/%zz"), TargetError::kBadEscape);
  EXPECT_EQ(error_of("/%%34%31"), TargetError::kBadEscape);
  EXPECT_EQ(error_of("/a%00"), TargetError::kEncodedNul);
  EXPECT_EQ(error_of("/.."), TargetError::kEscapesRoot);
  EXPECT_EQ(error_of("/a/../../b"), TargetError::kEscapesRoot);
  EXPECT_EQ(error_of("/%2e%2e/etc/passwd"), TargetError::kEscapesRoot);
  for (const std::string_view target : {"/a b", "/a\tb", "/a\r\nb", "/a#b", "/a\\b", "/\xc3\xa9",
                                        "/a\x7f", "/a?b c", "/a?b#c", "/a?\xc3\xa9", "/a?b\n"}) {
    EXPECT_EQ(error_of(target), TargetError::kForbiddenByte) << target;
  }
  EXPECT_EQ(error_of(std::string_view("/a\0b", 4)), TargetError::kForbiddenByte);
}

TEST(NormalTarget, AcceptsWhatBrowsersLeaveRaw) {
  for (const auto* target :
       {"/a|b", "/a[1]", "/a{b}", "/a'\"b", "/a;v=1", "/a@b:c", "/a?x=\\|^%"}) {
    EXPECT_EQ(upstream_of(target), target);
  }
}

TEST(NormalTarget, IsEmptyAfterAnError) {
  NormalTarget target;
  ASSERT_TRUE(target.parse("/a?b"));
  ASSERT_FALSE(target.parse("/a/../.."));
  EXPECT_EQ(target.path(), "");
  EXPECT_EQ(target.upstream(), "");
  EXPECT_EQ(target.query(), "");
}

TEST(NormalTarget, PointsIntoTheReceivedBytesWhereNothingChanges) {
  NormalTarget target;
  const std::string received = "/.well-known/acme/token?q=1";
  const auto allocations = testing::count_allocations([&] { ASSERT_TRUE(target.parse(received)); });
  EXPECT_EQ(allocations, 0u);
  EXPECT_EQ(target.path().data(), received.data());
  EXPECT_EQ(target.upstream().data(), received.data());
}

TEST(NormalTarget, AllocatesNothingForARewriteNoLongerThanTheLast) {
  NormalTarget target;
  ASSERT_TRUE(target.parse("/a/long/path/that/needs/./a/rewrite//of%20its/bytes?query=1"));
  const auto allocations = testing::count_allocations(
      [&] { ASSERT_TRUE(target.parse("/a/path/that/needs/./a/rewrite//of%20its/bytes?query=1")); });
  EXPECT_EQ(allocations, 0u);
}

TEST(NormalTarget, AgreesWithTheNaiveNormaliser) {
  constexpr std::string_view kPieces[] = {"/", "/",   "/", ".",   "..",  "%2e", "%2F", "a",   "bc",
                                          "%", "%7e", "?", "%00", "%5c", "\\",  "*",   "%41", "#"};
  std::mt19937 random(7);
  int accepted = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string input = "/";
    for (auto left = random() % 10; left > 0; --left) {
      // The last third of the pieces refuses most targets: seldom.
      input += kPieces[random() % (random() % 4 == 0 ? std::size(kPieces) : 9)];
    }
    const auto expected = testing::naive_parse(input);
    NormalTarget target;
    ASSERT_EQ(target.parse(input).has_value(), expected.has_value()) << input;
    if (expected) {
      ++accepted;
      ASSERT_EQ(target.path(), expected->path) << input;
      ASSERT_EQ(target.upstream(), expected->upstream) << input;
      ASSERT_EQ(target.query(), expected->query) << input;
    }
  }
  EXPECT_GT(accepted, 20'000);
}

}  // namespace
}  // namespace portico::routing
