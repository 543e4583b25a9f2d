#include "controller/cli/circuit_words.h"

#include <chrono>
#include <string_view>

#include <fmt/format.h>

#include "proxy/exchange/circuit.h"

namespace portico::cli {

std::string circuit_words(const routing::BalanceSpec* balance,
                          const routing::CircuitSpec& by_default) {
  const auto circuit = balance == nullptr ? by_default : balance->circuit.or_else(by_default);
  std::string words;
  const auto add = [&words](const auto& limit, std::string_view what) {
    if (limit.value_or(0) != 0) {
      words.append(fmt::format("{}{} {}", words.empty() ? "" : ", ", *limit, what));
    }
  };
  add(circuit.max_connections, "connections");
  add(circuit.max_requests, "requests");
  if (circuit.adaptive.value_or(false)) {
    words.append(words.empty() ? "" : ", ").append("requests by their latency");
  }
  const bool may_wait =
      !words.empty() && circuit.queue_timeout.value_or(std::chrono::milliseconds(0)).count() != 0;
  if (may_wait) {
    const auto pending = circuit.max_pending.value_or(0);
    words.append(fmt::format(", {} in line for up to {:g} s",
                             pending == 0 ? exchange::CircuitLimits::kPending : pending,
                             static_cast<double>(circuit.queue_timeout->count()) / 1000));
  }
  add(circuit.max_retries, "retries");
  return words;
}

}  // namespace portico::cli
