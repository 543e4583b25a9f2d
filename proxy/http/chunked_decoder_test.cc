#include "proxy/http/chunked_decoder.h"

#include <optional>
#include <random>

#include <gtest/gtest.h>

#include "proxy/http/testing/chunked_oracle.h"
#include "proxy/http/testing/decode.h"

namespace portico::http {
namespace {

using testing::ChunkedResult;
using testing::decode_chunked;
using testing::decode_chunked_naively;

// Well-formed bodies with a few bytes changed, so that both accepted and refused inputs are met
// often.
std::string random_body(std::mt19937& random) {
  const auto pick = [&](int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  };
  std::string body;
  for (int chunk = pick(4); chunk > 0; --chunk) {
    const int size = 1 + pick(20);
    char digits[16];
    std::snprintf(digits, sizeof(digits), pick(2) == 0 ? "%x" : "%03X", size);
    body += digits;
    body += pick(3) == 0 ? ";a=\"b\\\";\" ; c" : "";
    body += "\r\n" + std::string(static_cast<std::size_t>(size), 'x') + "\r\n";
  }
  body += pick(2) == 0 ? "0\r\n\r\n" : "0\r\nA: b\r\nC:d\r\n\r\n";
  for (int change = pick(3); change > 0; --change) {
    static constexpr std::string_view kBytes = "\r\n;=\" 0aG:-x\t\\";
    const auto at = static_cast<std::size_t>(pick(static_cast<int>(body.size())));
    const char byte = kBytes[static_cast<std::size_t>(pick(static_cast<int>(kBytes.size())))];
    switch (pick(3)) {
      case 0:
        body[at] = byte;
        break;
      case 1:
        body.insert(at, 1, byte);
        break;
      default:
        body.erase(at, 1);
    }
  }
  return body;
}

TEST(ChunkedDecoder, AgreesWithTheNaiveReading) {
  std::mt19937 random(1);
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string body = random_body(random);
    const ChunkedResult naive = decode_chunked_naively(body);
    const ChunkedResult ours = decode_chunked(body, body.size());
    ASSERT_EQ(ours, naive) << ::testing::PrintToString(body);
    ASSERT_EQ(decode_chunked(body, 1), naive) << ::testing::PrintToString(body);
    accepted += ours.outcome == ChunkedResult::Outcome::kComplete ? 1 : 0;
  }
  EXPECT_GT(accepted, 2000);
  EXPECT_LT(accepted, 18000);
}

}  // namespace
}  // namespace portico::http
