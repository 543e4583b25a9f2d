#include "controller/cli/weight_words.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include <fmt/format.h>

namespace portico::cli {

std::string weight_words(const routing::BackendSpec& backend) {
  const auto& endpoints = backend.endpoints;
  if (std::ranges::adjacent_find(endpoints, std::not_equal_to(), &routing::EndpointSpec::weight) ==
      endpoints.end()) {
    return "";
  }
  std::string text;
  for (const auto& endpoint : endpoints) {
    const bool is_v6 = endpoint.address.find(':') != std::string::npos;
    text += fmt::format("{}{}{}{}:{} {}", text.empty() ? "" : ", ", is_v6 ? "[" : "",
                        endpoint.address, is_v6 ? "]" : "", endpoint.port, endpoint.weight);
  }
  return text;
}

std::string slow_start_words(const routing::BalanceSpec* balance,
                             const routing::Settings& settings) {
  const bool by_strategy =
      balance == nullptr || (balance->hash_by.empty() && !balance->affinity.has_value());
  const auto length =
      balance == nullptr ? settings.slow_start : balance->slow_start.value_or(settings.slow_start);
  if (!by_strategy || length.count() == 0) {
    return "";
  }
  return fmt::format("a new endpoint gets its whole share after {} s",
                     std::chrono::duration_cast<std::chrono::seconds>(length).count());
}

}  // namespace portico::cli
