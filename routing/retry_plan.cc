#include "routing/retry_plan.h"

#include <algorithm>
#include <array>

namespace portico::routing {

RetryAction plan_retry(const ProxyError& error, const RetryFacts& facts) {
  if (facts.tries >= kMaxTries || facts.answer_begun || error.side == ErrorSide::kDownstream) {
    return RetryAction::kGiveUp;
  }
  switch (error.retry) {
    case RetryRule::kNever:
      return RetryAction::kGiveUp;
    case RetryRule::kAnotherEndpoint:
      return facts.request_sent ? RetryAction::kGiveUp : RetryAction::kAnotherEndpoint;
    case RetryRule::kNotProcessed:
      return facts.body_replayable || facts.body_untouched ? RetryAction::kFreshConnection
                                                           : RetryAction::kGiveUp;
    case RetryRule::kFreshConnection: {
      if (!facts.request_sent) {
        // A new connection that ends before it took a byte is the endpoint's trouble, not the
        // pool's.
        return facts.connection_reused ? RetryAction::kFreshConnection
                                       : RetryAction::kAnotherEndpoint;
      }
      const bool harmless = facts.idempotent && facts.body_replayable;
      return facts.connection_reused && harmless ? RetryAction::kFreshConnection
                                                 : RetryAction::kGiveUp;
    }
  }
  __builtin_unreachable();
}

bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET", "HEAD",   "OPTIONS",
                                                        "PUT", "DELETE", "TRACE"};
  return std::ranges::find(kMethods, method) != kMethods.end();
}

}  // namespace portico::routing
