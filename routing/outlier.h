// When an endpoint that fails is left alone for a while, and when it is tried again.
//
//            failures in a row                  its time is over: one request goes through
//            or far more than others
//   serving ───────────────────> ejected ───────────────────────────────────────> probed
//      ^                            ^                it failed: twice as long          │
//      │                            └─────────────────────────────────────────────────┤
//      └──────────────────────────────────────────────────────────────────────────────┘
//                                       it was answered
//
// Pure: the caller holds the state and says what time it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "routing/proxy_error.h"

namespace portico::routing {

// What a try told about its endpoint.
enum class TryOutcome : std::uint8_t {
  kAnswered,
  kServerError,   // a 5xx that an application makes
  kGatewayError,  // 502, 503 or 504: what stands for the application, or is not ready
  kFailed,        // no answer: a timeout, a reset, a handshake that failed, no HTTP
  kUnreachable,   // refused, or no way there: nothing listens
  kSilent,        // nothing that counts: a stale connection, a stream that was not begun
};

// Of an answer.
[[nodiscard]] TryOutcome outcome_of(std::uint16_t status);
// Of a failure before the answer. That a kept connection ended tells nothing, nor do those that are
// to be answered 503: something was wanting here.
[[nodiscard]] TryOutcome outcome_of(const ProxyError& error, bool connection_reused);

// How many in a row eject. Whatever fails counts towards `failures`; any answer that is none of
// them ends the count.
struct OutlierLimits {
  std::uint8_t failures = 5;       // gateway errors among them
  std::uint8_t unreachable = 2;    // where the last of them was kUnreachable
  std::uint8_t server_errors = 0;  // 5xx of any kind; 0: they are answers
};

// Of one endpoint. Fits into a word, so that threads can share it in one atomic; healthy and never
// ejected is 0.
struct OutlierState {
  enum class Phase : std::uint8_t { kServing, kEjected, kProbed };

  std::chrono::milliseconds time{};  // kServing: since when, after an ejection; else: until when
  Phase phase = Phase::kServing;
  std::uint8_t failures = 0;  // in a row, as server_errors
  std::uint8_t server_errors = 0;
  std::uint8_t level = 0;  // the next ejection's length; see ejection_length()

  bool operator==(const OutlierState&) const = default;

  [[nodiscard]] std::uint64_t pack() const;
  [[nodiscard]] static OutlierState unpack(std::uint64_t word);

  [[nodiscard]] bool is_out() const { return phase != Phase::kServing; }
  // Out, and whoever claim()s it may try it.
  [[nodiscard]] bool is_due(std::chrono::milliseconds now) const { return is_out() && now >= time; }
};

// 1 s, 2 s, 4 s, … 60 s.
[[nodiscard]] std::chrono::milliseconds ejection_length(std::uint8_t level);

// One that is due, once a request is on its way there: the others go on stepping over it for as
// long as if that had failed. So requests that are never answered are as rare as those that fail at
// once.
[[nodiscard]] OutlierState claimed(OutlierState state, std::chrono::milliseconds now);

// The request that claimed it told nothing of it: its client went away, or it was never sent. As
// rare as before, and no more: that was no failure.
[[nodiscard]] OutlierState given_up(OutlierState state);

// One that serves, and fails far more than the others do (success_rate.h), whatever its last tries
// told.
[[nodiscard]] OutlierState put_out(const OutlierState& state, std::chrono::milliseconds now);

// After a try. `let_through` are those that went there though it was out: claimed ones, and those
// sent because every endpoint was out. Only they bring it back; a request from before it was
// ejected does not, nor does its failure count again.
[[nodiscard]] OutlierState after_try(OutlierState state, TryOutcome outcome, bool let_through,
                                     const OutlierLimits& limits, std::chrono::milliseconds now);

}  // namespace portico::routing
