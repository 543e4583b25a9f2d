// circuit-* and adaptive-concurrency: Portico's own limits of what a backend bears at once. The
// ConfigMap's keys of these names are read alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "controller/translate/backend_wish.h"
#include "routing/circuit_spec.h"
#include "routing/settings.h"

namespace portico::translate {

// Up to a million; 0: no limit.
std::expected<std::uint32_t, std::string_view> read_circuit_limit(std::string_view value);
// Seconds up to an hour, with up to three digits behind the point.
std::expected<std::chrono::milliseconds, std::string_view> read_queue_timeout(
    std::string_view value);

template <auto Field, auto Read>
WishResult read_circuit(std::string_view value, BackendWish& wish) {
  const auto read = Read(value);
  if (!read) {
    return std::unexpected(read.error());
  }
  wish.balance.circuit.*Field = *read;
  return {};
}

// What is not limited is as if it were not said: nothing stands behind the ConfigMap.
template <auto Field, auto Read>
std::expected<void, std::string_view> read_circuit_setting(std::string_view value,
                                                           routing::Settings& settings) {
  const auto read = Read(value);
  if (!read) {
    return std::unexpected(read.error());
  }
  settings.circuit.*Field = std::nullopt;
  if (*read != std::remove_cvref_t<decltype(*read)>{}) {
    settings.circuit.*Field = *read;
  }
  return {};
}

}  // namespace portico::translate
