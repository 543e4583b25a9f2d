#include "controller/translate/canary_values.h"

#include <algorithm>

#include <fmt/format.h>

#include "controller/translate/affinity_values.h"
#include "controller/translate/annotation_values.h"

namespace portico::translate {
namespace {

using Result = std::expected<void, std::string_view>;

constexpr std::size_t kMostNameBytes = 128;
constexpr std::size_t kMostValueBytes = 512;
constexpr std::uint64_t kMostWeight = 1'000'000'000;
constexpr std::uint32_t kLeastTotal = 100;

Result read_name(std::string_view value, std::string_view wanted, std::string& name) {
  if (!is_token(value) || value.size() > kMostNameBytes) {
    return std::unexpected(wanted);
  }
  name = value;
  return {};
}

Result read_weight(std::string_view value, std::uint64_t least, std::string_view wanted,
                   std::uint32_t& weight) {
  const auto number = read_count(value);
  if (!number || *number < least || *number > kMostWeight) {
    return std::unexpected(wanted);
  }
  weight = static_cast<std::uint32_t>(*number);
  return {};
}

}  // namespace

Result read_canary(std::string_view value, CanaryReading& reading) {
  const auto read = read_bool(value);
  if (!read) {
    return std::unexpected(read.error());
  }
  reading.is_canary = *read;
  return {};
}

Result read_canary_header(std::string_view value, CanaryReading& reading) {
  return read_name(value, "the name of a header", reading.rule.header);
}

Result read_canary_header_value(std::string_view value, CanaryReading& reading) {
  const bool fits =
      !value.empty() && value.size() <= kMostValueBytes &&
      std::ranges::none_of(value, [](unsigned char byte) { return byte < ' ' || byte == 0x7f; });
  if (!fits) {
    reading.rule.header_is_unreadable = true;
    return std::unexpected("a value that a header can have, of at most 512 characters");
  }
  reading.rule.header_value = value;
  return {};
}

// Without it "always" would lead to the canary, which nobody asked for.
Result read_canary_header_pattern(std::string_view value, CanaryReading& reading) {
  auto pattern = value.empty() || value.size() > kMostValueBytes
                     ? std::nullopt
                     : routing::TextPattern::parse(value);
  if (!pattern) {
    reading.rule.header_is_unreadable = true;
    return std::unexpected(
        "a regular expression of RE2's syntax (which has no look-around and no back-references), "
        "of at most 512 characters");
  }
  reading.rule.header_pattern = std::move(*pattern);
  return {};
}

Result read_canary_cookie(std::string_view value, CanaryReading& reading) {
  return read_name(value, "a name that a cookie can have", reading.rule.cookie);
}

Result read_canary_weight(std::string_view value, CanaryReading& reading) {
  return read_weight(value, 0, "a whole number from 0 to canary-weight-total", reading.rule.weight);
}

Result read_canary_weight_total(std::string_view value, CanaryReading& reading) {
  return read_weight(value, 1, "a whole number from 100 to 1,000,000,000",
                     reading.rule.weight_total);
}

Result read_affinity_canary_behavior(std::string_view value, CanaryReading& reading) {
  if (value != "sticky" && value != "legacy") {
    return std::unexpected("\"sticky\" or \"legacy\"");
  }
  reading.rule.heeds_affinity = value == "sticky";
  return {};
}

std::vector<CanaryProblem> settle_canary(CanaryReading& reading) {
  std::vector<CanaryProblem> problems;
  auto& rule = reading.rule;
  const auto* const needs_header = !rule.header_value.empty() ? "canary-by-header-value"
                                   : !rule.header_pattern.text().empty()
                                       ? "canary-by-header-pattern"
                                       : nullptr;
  if (rule.header.empty() && needs_header != nullptr) {
    problems.push_back({needs_header, "has no effect without canary-by-header",
                        "add the annotation canary-by-header"});
  }
  if (!rule.header_value.empty() && !rule.header_pattern.text().empty()) {
    problems.push_back({"canary-by-header-pattern",
                        "has no effect: canary-by-header-value comes before it",
                        "remove one of the two"});
  }
  // The value decides, whatever the pattern was to be.
  rule.header_is_unreadable = rule.header_is_unreadable && rule.header_value.empty();
  if (rule.weight_total < kLeastTotal) {
    problems.push_back({"canary-weight-total",
                        fmt::format("{} is less than 100: 100 is in force, as in ingress-nginx",
                                    rule.weight_total),
                        "give 100 or more"});
    rule.weight_total = kLeastTotal;
  }
  if (rule.weight > rule.weight_total) {
    problems.push_back({"canary-weight",
                        fmt::format("{} is more than the {} that it is a share of: all requests go "
                                    "to the canary",
                                    rule.weight, rule.weight_total),
                        "give at most canary-weight-total"});
  }
  return problems;
}

}  // namespace portico::translate
