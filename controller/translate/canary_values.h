// canary, canary-* and affinity-canary-behavior: read as ingress-nginx reads them.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "routing/canary.h"

namespace portico::translate {

struct CanaryReading {
  // `canary: "true"`: such an Ingress serves nothing but a part of another's requests.
  bool is_canary = false;
  routing::CanaryRule rule;
};

// Each reads one annotation's value, or says what it must be: a phrase that ends the sentence `"x"
// is not …`.
using ReadCanary = std::expected<void, std::string_view> (*)(std::string_view value,
                                                             CanaryReading& reading);
std::expected<void, std::string_view> read_canary(std::string_view value, CanaryReading& reading);
std::expected<void, std::string_view> read_canary_header(std::string_view value,
                                                         CanaryReading& reading);
std::expected<void, std::string_view> read_canary_header_value(std::string_view value,
                                                               CanaryReading& reading);
std::expected<void, std::string_view> read_canary_header_pattern(std::string_view value,
                                                                 CanaryReading& reading);
std::expected<void, std::string_view> read_canary_cookie(std::string_view value,
                                                         CanaryReading& reading);
std::expected<void, std::string_view> read_canary_weight(std::string_view value,
                                                         CanaryReading& reading);
std::expected<void, std::string_view> read_canary_weight_total(std::string_view value,
                                                               CanaryReading& reading);
std::expected<void, std::string_view> read_affinity_canary_behavior(std::string_view value,
                                                                    CanaryReading& reading);

struct CanaryProblem {
  std::string_view annotation;
  std::string message;
  std::string fix;
};

// What the annotations say together that can't be meant, or has no effect. Brings the rule into
// the form that ingress-nginx gives it.
std::vector<CanaryProblem> settle_canary(CanaryReading& reading);

}  // namespace portico::translate
