// The ConfigMap's keys on how clients' connections are held.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string_view>

#include "routing/settings.h"

namespace portico::translate {

// Whole seconds up to a year; 0: a connection serves one request.
std::expected<std::chrono::milliseconds, std::string_view> read_keep_alive(std::string_view text);

// From 1 to 65535: what one connection may make Portico hold must have a bound.
std::expected<std::uint32_t, std::string_view> read_concurrent_streams(std::string_view text);

// `Read` into one field, as a ReadSetting.
template <auto Field, auto Read>
std::expected<void, std::string_view> read_of_clients(std::string_view value,
                                                      routing::Settings& settings) {
  const auto parsed = Read(value);
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  settings.clients.*Field = *parsed;
  return {};
}

}  // namespace portico::translate
