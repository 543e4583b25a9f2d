// How short memory is, as the workers are told.
#pragma once

#include <cstdint>

namespace portico::exchange {

enum class Pressure : std::uint8_t {
  kNone,
  kHigh,      // idle clients are let go, and answers tell the others to close
  kCritical,  // new requests are answered 503, new connections are refused
};

}  // namespace portico::exchange
