// What to do after an endpoint failed a request.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "routing/proxy_error.h"
#include "routing/retry_policy.h"

namespace portico::routing {

// What the exchange knows when it asks.
struct RetryFacts {
  int tries = 1;                         // so far, the failed one included, forgiven ones not
  int forgiven = 0;                      // those
  int endpoints = 1;                     // of the backend; 0: no other can be had
  std::chrono::milliseconds elapsed{0};  // since the request came
  bool connection_reused = false;  // the failed try's connection had served another request before
  bool request_sent = false;       // at least one byte of this try left for the endpoint
  bool answer_begun = false;       // an answer's head came that was not dropped, or an interim one
  bool idempotent = false;         // is_idempotent() of its method
  bool body_held = false;          // whatever of a body was taken from the client is still held
};

enum class RetryAction : std::uint8_t {
  kAnotherEndpoint,  // pick again
  kFreshConnection,  // the same endpoint, not from the pool
  kGiveUp,           // answer the error's status, hand on the answer, or cut off what has begun
};

enum class RetryPrice : std::uint8_t {
  kForgiven,  // nothing: the failed try does not even count as one
  kTry,       // one of the policy's tries
  kToken,     // as kTry, and one token of the backend's retry budget; without one it is given up
};

struct RetryPlan {
  RetryAction action = RetryAction::kGiveUp;
  RetryPrice price = RetryPrice::kForgiven;
  bool operator==(const RetryPlan&) const = default;
};

// Where nothing was sent an endpoint may be asked twice: so many tries more than there are
// endpoints.
inline constexpr int kSpareTries = 2;
// The most tries of one request, however many endpoints there are and whatever the policy says.
inline constexpr int kMostTries = 32;

// Nothing is ever sent twice unless the first can't have had an effect, or the method says that
// twice is as once (RFC 9110 9.2.2), or the policy names non_idempotent. A try was sent once a byte
// of it has left.
//
//   an answer has begun, or the body is not held,          give up
//   or the policy's time is over
//   sent, not idempotent, and the endpoint does            give up
//   not say that it did nothing
//   a reused connection ended, or its endpoint says        fresh connection, forgiven, once for
//   that it did nothing                                    each try
//   the policy is off                                      give up
//   the endpoint says on a new connection that it          fresh connection
//   did nothing
//   nothing was sent                                       another endpoint, for a try
//   the policy names what happened                         another endpoint, for a try and a token
//   anything else                                          give up
//
// All but what is forgiven only while there are tries: of what was sent not more than there are
// endpoints, of what was not kSpareTries more. A fresh connection is not reused, so its end is not
// forgiven again.
[[nodiscard]] RetryPlan plan_retry(const ProxyError& error, const RetryFacts& facts,
                                   const RetryPolicy& policy);

// RFC 9110 9.2.2; unknown methods are not.
[[nodiscard]] bool is_idempotent(std::string_view method);

}  // namespace portico::routing
