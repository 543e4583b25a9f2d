// What an endpoint's weight comes to while it is new.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace portico::routing {

// Parts of a weight are counted in thousandths.
inline constexpr std::uint32_t kWholePart = 1'000;
// With which a new endpoint begins: with less it might never be asked.
inline constexpr std::uint32_t kLeastPart = 100;

// How much of its weight counts at `age`: from a tenth on it grows evenly, over `slow_start`, to
// the whole.
constexpr std::uint32_t part_at_age(std::chrono::milliseconds age,
                                    std::chrono::milliseconds slow_start) {
  if (age >= slow_start) {
    return kWholePart;
  }
  const auto grown = age.count() * std::int64_t{kWholePart} / slow_start.count();
  return std::max(static_cast<std::uint32_t>(std::max<std::int64_t>(grown, 0)), kLeastPart);
}

}  // namespace portico::routing
