#include "controller/cli/canary_words.h"

#include <string_view>

#include <fmt/format.h>

namespace portico::cli {
namespace {

std::string header_words(const routing::CanaryRule& rule) {
  if (rule.header_is_unreadable) {
    return fmt::format("header {}: never, because its value can't be understood", rule.header);
  }
  if (!rule.header_value.empty()) {
    return fmt::format("header {}: {}", rule.header, rule.header_value);
  }
  if (!rule.header_pattern.text().empty()) {
    return fmt::format("header {} in which {} is found", rule.header, rule.header_pattern.text());
  }
  return fmt::format("header {}: always (never: not)", rule.header);
}

}  // namespace

std::string canary_words(const routing::CanaryRule& rule, bool is_sticky) {
  std::string words;
  const auto add = [&words](std::string_view more) {
    words.append(words.empty() ? "" : ", else ").append(more);
  };
  if (is_sticky && rule.heeds_affinity) {
    add("sessions that began there");
  }
  if (!rule.header.empty()) {
    add(header_words(rule));
  }
  if (!rule.cookie.empty()) {
    add(fmt::format("cookie {}: always (never: not)", rule.cookie));
  }
  if (rule.weight != 0) {
    add(fmt::format("{} of {} requests", rule.weight, rule.weight_total));
  }
  return words.empty() ? "no request" : words;
}

}  // namespace portico::cli
