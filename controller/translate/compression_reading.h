// The ConfigMap's keys of compression, for gzip, Brotli and Zstandard alike.
#pragma once

#include <expected>
#include <string_view>

#include "routing/settings.h"

namespace portico::translate {

// Each reads `value` into `coding`, or says what the value must be.
std::expected<void, std::string_view> read_coding_enabled(std::string_view value,
                                                          routing::CodingSettings& coding);
std::expected<void, std::string_view> read_coding_level(std::string_view value,
                                                        routing::CodingSettings& coding);
std::expected<void, std::string_view> read_brotli_level(std::string_view value,
                                                        routing::CodingSettings& coding);
std::expected<void, std::string_view> read_coding_min_length(std::string_view value,
                                                             routing::CodingSettings& coding);
// Media types between spaces, or "*" for all.
std::expected<void, std::string_view> read_coding_types(std::string_view value,
                                                        routing::CodingSettings& coding);

// One of these for one of the codings, as a ReadSetting.
template <auto kCoding, auto kRead>
std::expected<void, std::string_view> read_of_coding(std::string_view value,
                                                     routing::Settings& settings) {
  return kRead(value, settings.compression.*kCoding);
}

}  // namespace portico::translate
