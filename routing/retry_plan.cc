#include "routing/retry_plan.h"

#include <algorithm>
#include <array>
#include <utility>

namespace portico::routing {
namespace {

constexpr RetryPlan kGiveUp{};

bool names(const RetryConditions& on, const ProxyError& error) {
  switch (error.retry) {
    case RetryRule::kAnotherEndpoint:
    case RetryRule::kFreshConnection:
    case RetryRule::kFailed:
      return on.has(RetryOn::kError);
    case RetryRule::kTimedOut:
      return on.has(RetryOn::kTimeout);
    case RetryRule::kBadAnswer:
      return on.has(RetryOn::kInvalidHeader);
    case RetryRule::kStatus:
      return on.has_status(error.status);
    case RetryRule::kNotProcessed:
    case RetryRule::kNever:
      return false;
  }
  __builtin_unreachable();
}

bool tries_are_left(const RetryFacts& facts, const RetryPolicy& policy, int by_endpoints) {
  const auto own = policy.tries == 0 ? std::uint32_t{kMostTries} : policy.tries;
  return std::cmp_less(facts.tries, std::min<std::uint32_t>(own, kMostTries)) &&
         facts.tries < by_endpoints;
}

}  // namespace

RetryPlan plan_retry(const ProxyError& error, const RetryFacts& facts, const RetryPolicy& policy) {
  const bool is_late = policy.timeout.count() != 0 && facts.elapsed >= policy.timeout;
  if (facts.answer_begun || !facts.body_held || is_late || error.side == ErrorSide::kDownstream ||
      error.retry == RetryRule::kNever) {
    return kGiveUp;
  }
  const bool is_sent = facts.request_sent || error.retry == RetryRule::kStatus;
  const bool not_processed = error.retry == RetryRule::kNotProcessed;
  if (is_sent && !not_processed && !facts.idempotent && !policy.repeats_any_method()) {
    return kGiveUp;
  }
  if (facts.connection_reused && facts.forgiven < facts.tries &&
      (not_processed || error.retry == RetryRule::kFreshConnection)) {
    return {RetryAction::kFreshConnection, RetryPrice::kForgiven};
  }
  if (policy.on.empty()) {
    return kGiveUp;
  }
  const auto price = is_sent ? RetryPrice::kToken : RetryPrice::kTry;
  if (not_processed) {
    return tries_are_left(facts, policy, facts.endpoints + kSpareTries)
               ? RetryPlan{RetryAction::kFreshConnection, price}
               : kGiveUp;
  }
  const auto by_endpoints = is_sent ? facts.endpoints : facts.endpoints + kSpareTries;
  if (facts.endpoints == 0 || !tries_are_left(facts, policy, by_endpoints) ||
      (is_sent && !names(policy.on, error))) {
    return kGiveUp;
  }
  return {RetryAction::kAnotherEndpoint, price};
}

bool RetryConditions::has_status(std::uint16_t status) const {
  switch (status) {
    case 403:
      return has(RetryOn::kHttp403);
    case 404:
      return has(RetryOn::kHttp404);
    case 429:
      return has(RetryOn::kHttp429);
    case 500:
      return has(RetryOn::kHttp500);
    case 502:
      return has(RetryOn::kHttp502);
    case 503:
      return has(RetryOn::kHttp503);
    case 504:
      return has(RetryOn::kHttp504);
    default:
      return false;
  }
}

bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET", "HEAD",   "OPTIONS",
                                                        "PUT", "DELETE", "TRACE"};
  return std::ranges::find(kMethods, method) != kMethods.end();
}

}  // namespace portico::routing
