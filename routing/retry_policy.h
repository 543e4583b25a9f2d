// When a route's requests are tried at another endpoint, in ingress-nginx's terms
// (proxy-next-upstream).
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>

namespace portico::routing {

// What a try ended with.
enum class RetryOn : std::uint16_t {
  kError = 1 << 0,          // no connection, or it ended before an answer's head
  kTimeout = 1 << 1,        // the same, by waiting too long
  kInvalidHeader = 1 << 2,  // the answer's head is malformed
  kHttp403 = 1 << 3,
  kHttp404 = 1 << 4,
  kHttp429 = 1 << 5,
  kHttp500 = 1 << 6,
  kHttp502 = 1 << 7,
  kHttp503 = 1 << 8,
  kHttp504 = 1 << 9,
  kNonIdempotent = 1 << 10,  // no ending: whatever the method is
};

// A set of them.
class RetryConditions {
 public:
  constexpr RetryConditions() = default;
  constexpr RetryConditions(std::initializer_list<RetryOn> all) {
    for (const auto one : all) {
      add(one);
    }
  }

  constexpr void add(RetryOn one) { bits_ |= static_cast<std::uint16_t>(one); }
  [[nodiscard]] constexpr bool has(RetryOn one) const {
    return (bits_ & static_cast<std::uint16_t>(one)) != 0;
  }
  // Whether an answer of this status is among them.
  [[nodiscard]] bool has_status(std::uint16_t status) const;
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

  bool operator==(const RetryConditions&) const = default;

 private:
  std::uint16_t bits_ = 0;
};

// The tries of a request where nothing else is said.
inline constexpr int kMaxTries = 3;

struct RetryPolicy {
  RetryConditions on{RetryOn::kError, RetryOn::kTimeout};  // empty: off
  // As RetryOn::kNonIdempotent; said for all routes, whatever `on` a route has.
  bool non_idempotent = false;
  std::uint32_t tries = kMaxTries;       // the first one included; 0: no limit of its own
  std::chrono::milliseconds timeout{0};  // no further try begins after it; 0: no such limit

  [[nodiscard]] bool repeats_any_method() const {
    return non_idempotent || on.has(RetryOn::kNonIdempotent);
  }
  bool operator==(const RetryPolicy&) const = default;
};

}  // namespace portico::routing
