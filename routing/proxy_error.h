// Why an exchange failed, as a value.
#pragma once

#include <cstdint>
#include <string_view>

namespace portico::routing {

enum class ErrorSide : std::uint8_t { kDownstream, kUpstream };

// What a failure says about trying again; plan_retry() weighs it with what is known of the request.
enum class RetryRule : std::uint8_t {
  kNever,            // the request's own fault, or the endpoint may have acted on it
  kAnotherEndpoint,  // this endpoint can't be reached: another may be, as long as it saw nothing
  kFreshConnection,  // a kept connection ended without an answer: it may have been stale
  kNotProcessed,     // the endpoint says that it has done nothing with the request
  kFailed,           // no answer, though the connection was good
  kTimedOut,         // no answer in time
  kBadAnswer,        // what came is no answer's head
  kStatus,           // no failure: an answer of `status`, which another may make better
};

// Lifetime: `reason` is static text, so that making and copying one allocates nothing. Callers may
// make their own; those that a retry plan judges are below.
struct ProxyError {
  std::uint16_t status = 502;  // what to answer where no answer has begun
  ErrorSide side = ErrorSide::kUpstream;
  RetryRule retry = RetryRule::kNever;
  std::string_view reason;

  bool operator==(const ProxyError&) const = default;
};

namespace upstream_error {

inline constexpr ProxyError kNoEndpoint{503, ErrorSide::kUpstream, RetryRule::kNever,
                                        "the backend has no ready endpoint"};
inline constexpr ProxyError kConnectRefused{502, ErrorSide::kUpstream, RetryRule::kAnotherEndpoint,
                                            "the endpoint refused the connection"};
inline constexpr ProxyError kConnectFailed{502, ErrorSide::kUpstream, RetryRule::kAnotherEndpoint,
                                           "the endpoint can't be reached"};
inline constexpr ProxyError kConnectTimeout{504, ErrorSide::kUpstream, RetryRule::kAnotherEndpoint,
                                            "the endpoint did not accept the connection in time"};
inline constexpr ProxyError kHandshakeTimeout{
    504, ErrorSide::kUpstream, RetryRule::kAnotherEndpoint,
    "the endpoint did not finish the TLS handshake in time"};
inline constexpr ProxyError kHandshakeFailed{502, ErrorSide::kUpstream, RetryRule::kAnotherEndpoint,
                                             "the TLS handshake with the endpoint failed"};
inline constexpr ProxyError kNotProcessed{502, ErrorSide::kUpstream, RetryRule::kNotProcessed,
                                          "the endpoint refused the stream"};
inline constexpr ProxyError kClosedBeforeAnswer{
    502, ErrorSide::kUpstream, RetryRule::kFreshConnection,
    "the endpoint closed the connection before it answered"};
inline constexpr ProxyError kResetBeforeAnswer{
    502, ErrorSide::kUpstream, RetryRule::kFreshConnection,
    "the endpoint reset the connection before it answered"};
inline constexpr ProxyError kClosedInAnswer{502, ErrorSide::kUpstream, RetryRule::kNever,
                                            "the endpoint ended its answer too early"};
inline constexpr ProxyError kBadAnswer{502, ErrorSide::kUpstream, RetryRule::kBadAnswer,
                                       "the endpoint's answer is malformed"};
inline constexpr ProxyError kSendTimeout{504, ErrorSide::kUpstream, RetryRule::kTimedOut,
                                         "the endpoint did not take the request in time"};
inline constexpr ProxyError kHeadTimeout{504, ErrorSide::kUpstream, RetryRule::kTimedOut,
                                         "the endpoint did not answer in time"};
inline constexpr ProxyError kBodyTimeout{504, ErrorSide::kUpstream, RetryRule::kNever,
                                         "the endpoint stopped in the middle of its answer"};

}  // namespace upstream_error

}  // namespace portico::routing
