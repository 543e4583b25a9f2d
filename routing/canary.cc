#include "routing/canary.h"

namespace portico::routing {
namespace {

std::optional<bool> by_word(std::string_view value) {
  if (value == "always") {
    return true;
  }
  return value == "never" ? std::optional(false) : std::nullopt;
}

std::optional<bool> by_header(const CanaryRule& rule, std::string_view value) {
  if (rule.header_is_unreadable) {
    return false;
  }
  if (!rule.header_value.empty()) {
    return value == rule.header_value ? std::optional(true) : std::nullopt;
  }
  if (!rule.header_pattern.text().empty()) {
    return rule.header_pattern.matches(value) ? std::optional(true) : std::nullopt;
  }
  return by_word(value);
}

}  // namespace

std::optional<bool> choose_canary_by_request(const CanaryRule& rule, const CanaryFacts& facts) {
  if (rule.heeds_affinity && facts.session != CanaryFacts::Session::kNone) {
    return facts.session == CanaryFacts::Session::kCanary;
  }
  if (!rule.header.empty() && facts.header) {
    if (const auto chosen = by_header(rule, *facts.header)) {
      return chosen;
    }
  }
  if (!rule.cookie.empty() && facts.cookie) {
    return by_word(*facts.cookie);
  }
  return std::nullopt;
}

bool choose_canary(const CanaryRule& rule, const CanaryFacts& facts, Lots& lots) {
  if (const auto chosen = choose_canary_by_request(rule, facts)) {
    return *chosen;
  }
  return rule.weight != 0 && lots.below(rule.weight_total) < rule.weight;
}

}  // namespace portico::routing
