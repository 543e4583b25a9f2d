#include "controller/translate/annotation_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

namespace portico::translate {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

template <class Number>
bool read_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// Words of nginx configuration: enough to recognise directives, whatever stands around them.
std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kBreaks = " \t\r\n;{}\"'";
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto first = text.find_first_not_of(kBreaks);
    if (first == std::string_view::npos) {
      break;
    }
    text.remove_prefix(first);
    const auto length = std::min(text.find_first_of(kBreaks), text.size());
    words.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return words;
}

}  // namespace

std::expected<bool, std::string_view> read_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "true", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "false", "FALSE", "False"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) {
    return true;
  }
  if (std::ranges::find(kFalse, text) != kFalse.end()) {
    return false;
  }
  return std::unexpected("\"true\" or \"false\"");
}

std::expected<std::uint64_t, std::string_view> read_count(std::string_view text) {
  std::uint64_t number = 0;
  if (!read_whole(trim(text), number)) {
    return std::unexpected("a whole number that is not negative");
  }
  return number;
}

std::expected<std::uint64_t, std::string_view> read_size(std::string_view text) {
  constexpr std::string_view kExpected =
      "a size: digits, then nothing, k, m or g (\"8m\"), and \"0\" for no limit";
  auto digits = trim(text);
  int shift = 0;
  if (!digits.empty()) {
    switch (digits.back()) {
      case 'k':
      case 'K':
        shift = 10;
        break;
      case 'm':
      case 'M':
        shift = 20;
        break;
      case 'g':
      case 'G':
        shift = 30;
        break;
      default:
        break;
    }
  }
  if (shift != 0) {
    digits.remove_suffix(1);
  }
  // nginx keeps sizes in a signed 64-bit off_t.
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::uint64_t number = 0;
  if (!read_whole(digits, number) || number > (kMost >> shift)) {
    return std::unexpected(kExpected);
  }
  return number << shift;
}

std::expected<std::chrono::milliseconds, std::string_view> read_seconds(std::string_view text) {
  constexpr std::int64_t kYear = 365LL * 24 * 3600;
  // Go's strconv.Atoi, which reads these in ingress-nginx, takes a plus sign and from_chars does
  // not.
  const auto digits = text.starts_with('+') ? text.substr(1) : text;
  std::int64_t seconds = 0;
  if (!read_whole(digits, seconds) || seconds < 1 || seconds > kYear) {
    return std::unexpected("a whole number of seconds, at least 1, without a unit (\"60\")");
  }
  return std::chrono::seconds(seconds);
}

std::expected<std::chrono::milliseconds, std::string_view> read_seconds_or_none(
    std::string_view text) {
  constexpr std::uint64_t kYear = 365ULL * 24 * 3600;
  const auto seconds = read_count(text);
  if (!seconds || *seconds > kYear) {
    return std::unexpected(
        "a whole number of seconds without a unit (\"10\"), and \"0\" for no limit");
  }
  return std::chrono::seconds(*seconds);
}

std::expected<bool, std::string_view> read_on_off(std::string_view text) {
  const auto word = trim(text);
  if (word == "on" || word == "off") {
    return word == "on";
  }
  return std::unexpected("\"on\" or \"off\"");
}

std::expected<std::uint8_t, std::string_view> read_small_count(std::string_view text) {
  std::uint8_t number = 0;
  if (!read_whole(trim(text), number)) {
    return std::unexpected("a whole number from 0 to 255");
  }
  return number;
}

std::expected<std::vector<std::string>, std::string_view> read_paths(std::string_view text) {
  std::vector<std::string> paths;
  for (auto rest = text; !rest.empty();) {
    const auto comma = rest.find(',');
    const auto path = trim(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    if (path.empty()) {
      continue;
    }
    if (path.front() != '/') {
      return std::unexpected("a list of paths, each beginning with \"/\", separated by commas");
    }
    paths.emplace_back(path);
  }
  return paths;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::string quoted_value(std::string_view value) {
  constexpr std::size_t kMost = 120;
  std::string text(value.substr(0, kMost));
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return "\"" + text + (value.size() > kMost ? "...\"" : "\"");
}

bool snippet_guards_access(std::string_view text) {
  constexpr std::array<std::string_view, 8> kGuards = {
      "deny",        "satisfy", "limit_except",  "internal", "ssl_verify_client",
      "secure_link", "allow",   "valid_referers"};
  constexpr std::array<std::string_view, 5> kRefusals = {"401", "403", "404", "444", "423"};
  const auto words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto word = words[i];
    if (std::ranges::find(kGuards, word) != kGuards.end() || word.starts_with("auth_") ||
        word.starts_with("access_by_lua")) {
      return true;
    }
    if (word == "return" && i + 1 < words.size() &&
        std::ranges::find(kRefusals, words[i + 1]) != kRefusals.end()) {
      return true;
    }
  }
  return false;
}

}  // namespace portico::translate
