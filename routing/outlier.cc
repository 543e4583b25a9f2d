#include "routing/outlier.h"

#include <algorithm>
#include <array>

namespace portico::routing {
namespace {

using std::chrono::milliseconds;
using Phase = OutlierState::Phase;

constexpr std::array<milliseconds, 7> kLengths{
    milliseconds(1'000),  milliseconds(2'000),  milliseconds(4'000), milliseconds(8'000),
    milliseconds(16'000), milliseconds(32'000), milliseconds(60'000)};

// So long without an ejection, and the next one is a step shorter.
constexpr milliseconds kForgives{10'000};

// Bits of the word, from the lowest: time, phase, level, failures, server errors.
constexpr unsigned kTimeBits = 42;  // 139 years of milliseconds
constexpr unsigned kPhaseShift = kTimeBits;
constexpr unsigned kLevelShift = kPhaseShift + 2;
constexpr unsigned kFailuresShift = kLevelShift + 4;
constexpr unsigned kErrorsShift = kFailuresShift + 8;
static_assert(kErrorsShift + 8 <= 64);

std::uint64_t bits(std::uint64_t word, unsigned shift, unsigned count) {
  return (word >> shift) & ((std::uint64_t{1} << count) - 1);
}

std::uint8_t one_more(std::uint8_t count) {
  return count == 255 ? count : static_cast<std::uint8_t>(count + 1);
}

std::uint8_t next_level(std::uint8_t level) {
  return static_cast<std::uint8_t>(std::min<std::size_t>(level + 1, kLengths.size()));
}

std::uint8_t last_level(std::uint8_t level) {
  return level == 0 ? level : static_cast<std::uint8_t>(level - 1);
}

OutlierState ejected(std::uint8_t level, milliseconds now) {
  return {
      .time = now + ejection_length(level), .phase = Phase::kEjected, .level = next_level(level)};
}

// What is left of the level after a time without an ejection.
std::uint8_t forgiven(const OutlierState& state, milliseconds now) {
  const auto steps = std::max<std::int64_t>(0, (now - state.time) / kForgives);
  return static_cast<std::uint8_t>(std::max<std::int64_t>(0, state.level - steps));
}

bool is_too_much(const OutlierState& state, TryOutcome outcome, const OutlierLimits& limits) {
  const auto most = outcome == TryOutcome::kUnreachable ? limits.unreachable : limits.failures;
  return state.failures >= most ||
         (limits.server_errors != 0 && state.server_errors >= limits.server_errors);
}

// A 5xx ends the count of failures as any answer does, but not that of 5xx.
OutlierState counted(OutlierState state, TryOutcome outcome, const OutlierLimits& limits) {
  const bool answered = outcome == TryOutcome::kAnswered || outcome == TryOutcome::kServerError;
  const bool is_error = outcome == TryOutcome::kServerError || outcome == TryOutcome::kGatewayError;
  state.failures = answered ? 0 : one_more(state.failures);
  if (is_error && limits.server_errors != 0) {
    state.server_errors = one_more(state.server_errors);
  } else if (answered) {
    state.server_errors = 0;
  }
  return state;
}

}  // namespace

TryOutcome outcome_of(std::uint16_t status) {
  if (status >= 502 && status <= 504) {
    return TryOutcome::kGatewayError;
  }
  return status >= 500 ? TryOutcome::kServerError : TryOutcome::kAnswered;
}

TryOutcome outcome_of(const ProxyError& error, bool connection_reused) {
  if (error == upstream_error::kConnectRefused || error == upstream_error::kConnectFailed) {
    return TryOutcome::kUnreachable;
  }
  const bool stale = error.retry == RetryRule::kFreshConnection && connection_reused;
  constexpr std::uint16_t kOwnShortage = 503;
  const bool tells_nothing = stale || error.retry == RetryRule::kNotProcessed ||
                             error.status == kOwnShortage || error.side == ErrorSide::kDownstream;
  return tells_nothing ? TryOutcome::kSilent : TryOutcome::kFailed;
}

std::uint64_t OutlierState::pack() const {
  return static_cast<std::uint64_t>(time.count()) |
         (static_cast<std::uint64_t>(phase) << kPhaseShift) |
         (static_cast<std::uint64_t>(level) << kLevelShift) |
         (static_cast<std::uint64_t>(failures) << kFailuresShift) |
         (static_cast<std::uint64_t>(server_errors) << kErrorsShift);
}

OutlierState OutlierState::unpack(std::uint64_t word) {
  return {.time = milliseconds(bits(word, 0, kTimeBits)),
          .phase = static_cast<Phase>(bits(word, kPhaseShift, 2)),
          .failures = static_cast<std::uint8_t>(bits(word, kFailuresShift, 8)),
          .server_errors = static_cast<std::uint8_t>(bits(word, kErrorsShift, 8)),
          .level = static_cast<std::uint8_t>(bits(word, kLevelShift, 4))};
}

milliseconds ejection_length(std::uint8_t level) {
  return kLengths[std::min<std::size_t>(level, kLengths.size() - 1)];
}

OutlierState claimed(OutlierState state, milliseconds now) {
  state.phase = Phase::kProbed;
  state.time = now + ejection_length(state.level);
  state.level = next_level(state.level);
  return state;
}

OutlierState given_up(OutlierState state) {
  if (state.phase == Phase::kProbed) {
    state.phase = Phase::kEjected;
    state.level = last_level(state.level);
  }
  return state;
}

OutlierState put_out(const OutlierState& state, milliseconds now) {
  return state.phase == Phase::kServing ? ejected(forgiven(state, now), now) : state;
}

OutlierState after_try(OutlierState state, TryOutcome outcome, bool let_through,
                       const OutlierLimits& limits, milliseconds now) {
  if (outcome == TryOutcome::kSilent) {
    return state;
  }
  if (state.phase == Phase::kServing) {
    const auto next = counted(state, outcome, limits);
    return is_too_much(next, outcome, limits) ? ejected(forgiven(state, now), now) : next;
  }
  if (!let_through) {
    return state;
  }
  const auto before = state.phase == Phase::kProbed ? last_level(state.level) : state.level;
  const auto seen = counted({}, outcome, limits);
  if (seen.failures == 0 && seen.server_errors == 0) {
    return {.time = now, .level = before};
  }
  return state.phase == Phase::kProbed ? ejected(before, now) : state;
}

}  // namespace portico::routing
