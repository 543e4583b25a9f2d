// What people call the conditions of a retry: the words of proxy-next-upstream.
#pragma once

#include <array>
#include <string_view>

#include "routing/retry_policy.h"

namespace portico::routing {

struct RetryWord {
  std::string_view word;
  RetryOn on{};
};

// "off" is none of them.
inline constexpr std::array<RetryWord, 11> kRetryWords{{
    {"error", RetryOn::kError},
    {"timeout", RetryOn::kTimeout},
    {"invalid_header", RetryOn::kInvalidHeader},
    {"http_500", RetryOn::kHttp500},
    {"http_502", RetryOn::kHttp502},
    {"http_503", RetryOn::kHttp503},
    {"http_504", RetryOn::kHttp504},
    {"http_403", RetryOn::kHttp403},
    {"http_404", RetryOn::kHttp404},
    {"http_429", RetryOn::kHttp429},
    {"non_idempotent", RetryOn::kNonIdempotent},
}};

}  // namespace portico::routing
