// Character classes of RFC 9110 5.6 and comparisons without case. Bytes only: no locale.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portico::http {

namespace chars {
inline constexpr std::uint8_t kToken = 1;
inline constexpr std::uint8_t kDigit = 2;
inline constexpr std::uint8_t kHost = 4;  // what a registered name is made of, without '%' and ','

consteval std::array<std::uint8_t, 256> classes() {
  std::array<std::uint8_t, 256> table{};
  for (int c = 0; c < 256; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const auto one_of = [c](std::string_view set) {
      return c < 128 && set.find(static_cast<char>(c)) != std::string_view::npos;
    };
    if (digit || alpha || one_of("!#$%&'*+-.^_`|~")) {
      table[static_cast<std::size_t>(c)] |= kToken;
    }
    if (digit) {
      table[static_cast<std::size_t>(c)] |= kDigit;
    }
    if (digit || alpha || one_of("-._~!$&'()*+;=")) {
      table[static_cast<std::size_t>(c)] |= kHost;
    }
  }
  return table;
}
inline constexpr auto kClasses = classes();

constexpr bool is(char c, std::uint8_t set) {
  return (kClasses[static_cast<unsigned char>(c)] & set) != 0;
}
}  // namespace chars

constexpr bool is_token_char(char c) {
  return chars::is(c, chars::kToken);
}
constexpr bool is_digit(char c) {
  return chars::is(c, chars::kDigit);
}
constexpr bool is_alpha(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'z';
}
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t';
}  // OWS
constexpr bool is_control(char c) {  // RFC 5234 CTL, HTAB too
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

constexpr bool equals_no_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  if (a == b) {  // nearly always so, and many bytes are compared at once
    return true;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    const int different = a[i] ^ b[i];
    if (different != 0 && (different != 0x20 || !is_alpha(a[i]))) {
      return false;
    }
  }
  return true;
}

constexpr bool starts_with_no_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equals_no_case(text.substr(0, prefix.size()), prefix);
}

constexpr bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_token_char(c)) {
      return false;
    }
  }
  return !text.empty();
}

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// Calls `visit` for every non-empty element of a comma list (RFC 9110 5.6.1) until it returns
// false. Not for fields whose elements may hold quoted commas.
template <typename Visit>
constexpr void for_each_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    if (!element.empty() && !visit(element)) {
      return;
    }
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
}

constexpr bool list_contains(std::string_view list, std::string_view wanted) {
  bool found = false;
  for_each_element(list, [&](std::string_view element) {
    found = equals_no_case(element, wanted);
    return !found;
  });
  return found;
}

}  // namespace portico::http
