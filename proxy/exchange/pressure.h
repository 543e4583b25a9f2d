// How short memory is, as the workers are told.
#pragma once

#include <cstdint>
#include <string_view>

namespace portico::exchange {

enum class Pressure : std::uint8_t {
  kNone,
  kHigh,      // idle clients are let go, and answers tell the others to close
  kCritical,  // new requests are answered 503, new connections are refused
};

// Why such a request was answered so: the reason of its Record.
inline constexpr std::string_view kShedForMemory = "shed: memory is nearly used up";

}  // namespace portico::exchange
