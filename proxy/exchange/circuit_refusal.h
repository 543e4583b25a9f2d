// Why a circuit did not let something be done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portico::exchange {

enum class CircuitRefusal : std::uint8_t {
  kNone,
  kMaxRequests,
  kMaxConnections,
  kMaxPending,
  kQueueTimeout,
  kMaxRetries,
  kAdaptiveLimit,
};
inline constexpr std::size_t kCircuitRefusals = 7;

// As clients and metrics are told: "max-requests"; "" of kNone.
[[nodiscard]] std::string_view to_string(CircuitRefusal refusal);
// As the access log is told.
[[nodiscard]] std::string_view reason_of(CircuitRefusal refusal);

}  // namespace portico::exchange
