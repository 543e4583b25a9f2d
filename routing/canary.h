// Canaries: an Ingress that takes a part of another one's requests, by ingress-nginx's rules.
//
//   the affinity cookie names the main backend or the canary's    it stays there
//   the header                                                    the canary or the main backend
//   the cookie                                                    the canary or the main backend
//   the weight                                                    by lot
//
// Each of these goes on to the next where it has nothing to say.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "routing/balance.h"
#include "routing/text_pattern.h"

namespace portico::routing {

struct RouteSpec;

// Which requests of a route go to its canary.
struct CanaryRule {
  std::string header;          // empty: none is looked at
  std::string header_value;    // leads to the canary; empty: header_pattern does
  TextPattern header_pattern;  // empty: "always" and "never" do
  // What leads to the canary can't be understood: requests with the header go to the main backend.
  bool header_is_unreadable = false;
  std::string cookie;                // "always" and "never"; empty: none is looked at
  std::uint32_t weight = 0;          // of weight_total; as much or more: all
  std::uint32_t weight_total = 100;  // not 0
  bool heeds_affinity = true;
  bool operator==(const CanaryRule&) const = default;
};

// A part of its main route, whose match and policy it has; origin, field and backend are its own.
struct CanarySpec {
  CanaryRule rule;
  std::shared_ptr<const RouteSpec> route;  // never null, and without a canary
};

// What of a request a rule looks at.
struct CanaryFacts {
  enum class Session : std::uint8_t { kNone, kMain, kCanary };
  Session session = Session::kNone;        // that its affinity cookie belongs to
  std::optional<std::string_view> header;  // the value of CanaryRule::header
  std::optional<std::string_view> cookie;  // of CanaryRule::cookie
};

// Whether the canary serves; nothing where that is left to the weight.
std::optional<bool> choose_canary_by_request(const CanaryRule& rule, const CanaryFacts& facts);

// The same, by lot where it comes to that.
bool choose_canary(const CanaryRule& rule, const CanaryFacts& facts, Lots& lots);

}  // namespace portico::routing
