#include "controller/kube/base64.h"

#include <array>
#include <cstdint>

namespace portico::kube {
namespace {

constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}

constexpr auto kDigits = make_digits();

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  int digits = 0;
  int padding = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r') {
      continue;
    }
    if (c == '=') {
      ++padding;
      continue;
    }
    const std::uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit || padding != 0) {
      return std::nullopt;
    }
    group = (group << 6) | digit;
    if (++digits == 4) {
      bytes.push_back(static_cast<char>(group >> 16));
      bytes.push_back(static_cast<char>(group >> 8));
      bytes.push_back(static_cast<char>(group));
      group = 0;
      digits = 0;
    }
  }
  if (digits == 0 && padding == 0) {
    return bytes;
  }
  if (digits < 2 || digits + padding != 4) {
    return std::nullopt;
  }
  bytes.push_back(static_cast<char>(group >> (digits == 2 ? 4 : 10)));
  if (digits == 3) {
    bytes.push_back(static_cast<char>(group >> 2));
  }
  return bytes;
}

}  // namespace portico::kube
