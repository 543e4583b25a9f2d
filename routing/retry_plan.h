// What to do after an endpoint failed a request.
#pragma once

#include <cstdint>
#include <string_view>

#include "routing/proxy_error.h"

namespace portico::routing {

// What the exchange knows when it asks.
struct RetryFacts {
  int tries = 1;                   // so far, the failed one included
  bool connection_reused = false;  // the failed try's connection had served another request before
  bool request_sent = false;       // at least one byte of the request left for the endpoint
  bool answer_begun = false;       // at least one byte of an answer came, an interim one too
  bool idempotent = false;         // is_idempotent() of its method
  bool body_replayable =
      false;  // there is no body, or all that was taken from the client is still held
  bool body_untouched = false;  // nothing of a body was taken from the client
};

enum class RetryAction : std::uint8_t {
  kAnotherEndpoint,  // pick again
  kFreshConnection,  // the same endpoint, not from the pool
  kGiveUp,           // answer the error's status, or cut off what has begun
};

// The most tries of one request.
inline constexpr int kMaxTries = 3;

// Nothing is ever sent twice unless the first can't have had an effect, or the method says that
// twice is as once (RFC 9110 9.2.2).
//
//   the endpoint could not be reached, nothing sent        another endpoint
//   a reused connection ended, nothing of an answer seen   once more on a fresh connection, where
//   nothing was sent
//                                                          or the method is idempotent and the body
//                                                          can be replayed
//   the endpoint says that it did nothing                  once more on a fresh connection, where
//                                                          the body can be replayed
//   anything else, or three tries made                     give up
//
// A fresh connection is not reused, so its end is not forgiven again.
[[nodiscard]] RetryAction plan_retry(const ProxyError& error, const RetryFacts& facts);

// RFC 9110 9.2.2; unknown methods are not.
[[nodiscard]] bool is_idempotent(std::string_view method);

}  // namespace portico::routing
