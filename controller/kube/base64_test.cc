#include "controller/kube/base64.h"

#include <gtest/gtest.h>

namespace portico::kube {
namespace {

TEST(Base64, DecodesWhatRfc4648Shows) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64("Zm9v"), "foo");
  EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
  EXPECT_EQ(decode_base64("+/+/"), "\xfb\xff\xbf");
  EXPECT_EQ(decode_base64("Zm9v\nYmFy\r\n"), "foobar");
}

TEST(Base64, RefusesEverythingElse) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zm8==", "Zm9v=", "Z===", "=", "====", "Zg==Zg==", "Z g=", "-_-_"}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

// Encodes, naively, to hold the decoder against.
std::string encode(std::string_view bytes) {
  const std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (unsigned char c : bytes) {
    for (int i = 7; i >= 0; --i) {
      bits += ((c >> i) & 1) != 0 ? '1' : '0';
    }
  }
  std::string out;
  for (std::size_t i = 0; i < bits.size(); i += 6) {
    std::string six = bits.substr(i, 6);
    six.resize(6, '0');
    out += alphabet[std::stoul(six, nullptr, 2)];
  }
  while (out.size() % 4 != 0) {
    out += '=';
  }
  return out;
}

TEST(Base64, UndoesTheNaiveEncoder) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64(encode(bytes)), bytes);
    bytes += static_cast<char>(i * 37 + 11);
  }
}

}  // namespace
}  // namespace portico::kube
