#include "proxy/exchange/circuit_refusal.h"

#include <array>

namespace portico::exchange {

std::string_view to_string(CircuitRefusal refusal) {
  constexpr std::array<std::string_view, kCircuitRefusals> kNames{"",
                                                                  "max-requests",
                                                                  "max-connections",
                                                                  "max-pending",
                                                                  "queue-timeout",
                                                                  "max-retries",
                                                                  "adaptive-limit"};
  return kNames[static_cast<std::size_t>(refusal)];
}

std::string_view reason_of(CircuitRefusal refusal) {
  constexpr std::array<std::string_view, kCircuitRefusals> kReasons{
      "",
      "circuit-max-requests are under way",
      "circuit-max-connections are in use",
      "circuit-max-pending requests wait already",
      "waited longer than circuit-queue-timeout",
      "circuit-max-retries are under way",
      "as many are under way as adaptive-concurrency lets in"};
  return kReasons[static_cast<std::size_t>(refusal)];
}

}  // namespace portico::exchange
