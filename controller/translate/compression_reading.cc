#include "controller/translate/compression_reading.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "controller/translate/annotation_values.h"

namespace portico::translate {
namespace {

using routing::CodingSettings;

std::expected<void, std::string_view> read_level(std::string_view value, std::uint64_t lowest,
                                                 std::uint64_t highest, std::string_view expected,
                                                 CodingSettings& coding) {
  const auto level = read_count(value);
  if (!level || *level < lowest || *level > highest) {
    return std::unexpected(expected);
  }
  coding.level = static_cast<int>(*level);
  return {};
}

bool is_media_type(std::string_view type) {
  const auto slash = type.find('/');
  return type == "*" || (slash != std::string_view::npos && slash > 0 && slash + 1 < type.size() &&
                         type.find_first_of(";,\"") == std::string_view::npos);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return lower;
}

}  // namespace

std::expected<void, std::string_view> read_coding_enabled(std::string_view value,
                                                          CodingSettings& coding) {
  const auto on = read_bool(value);
  if (!on) {
    return std::unexpected(on.error());
  }
  coding.enabled = *on;
  return {};
}

std::expected<void, std::string_view> read_coding_level(std::string_view value,
                                                        CodingSettings& coding) {
  return read_level(value, 1, 9, "a level from 1 to 9", coding);
}

std::expected<void, std::string_view> read_brotli_level(std::string_view value,
                                                        CodingSettings& coding) {
  return read_level(value, 0, 11, "a level from 0 to 11", coding);
}

std::expected<void, std::string_view> read_coding_min_length(std::string_view value,
                                                             CodingSettings& coding) {
  const auto bytes = read_count(value);
  if (!bytes) {
    return std::unexpected("a number of bytes");
  }
  coding.min_length_bytes = *bytes;
  return {};
}

std::expected<void, std::string_view> read_coding_types(std::string_view value,
                                                        CodingSettings& coding) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::vector<std::string> types;
  while (!value.empty()) {
    const auto type = value.substr(0, value.find_first_of(kSpace));
    value.remove_prefix(std::min(value.size(), type.size() + 1));
    if (type.empty()) {
      continue;
    }
    if (!is_media_type(type)) {
      return std::unexpected("media types between spaces (\"text/css application/json\") or \"*\"");
    }
    types.push_back(lower_case(type));
  }
  coding.types = std::move(types);
  return {};
}

}  // namespace portico::translate
