#include "routing/gradient_limit.h"

#include <algorithm>
#include <cmath>

namespace portico::routing {
namespace {

constexpr double kTolerance = 1.25;  // of the baseline is not yet waiting
constexpr double kSteepest = 0.5;    // fall of the limit in one window
constexpr double kBelief = 0.1;      // in one window's latency, where it moves the baseline
constexpr double kFallen = 2.0 / 3;  // of its highest: the limit is doubted
constexpr double kRisen = 1.5;
constexpr double kNoWaiting = 1.1;  // of the baseline is what chance makes of it
constexpr double kHeadroom = 0.5;
constexpr double kSomeUse = 0.25;  // of the limit; below it is as if there were none
constexpr double kMuchUse = 0.5;   // below there is no need for more
constexpr double kLess = 0.5;      // of the limit is used while the baseline is measured
constexpr double kHelped = 0.58;   // of what it took before: nearly all of that was waiting
constexpr double kLeastSeconds = 1e-6;

// Of a window.
using Seconds = std::chrono::duration<double>;
constexpr std::uint32_t kEnough = 50;
constexpr std::uint32_t kFew = 10;  // that tell something, where more do not come for long
constexpr Seconds kShortest{0.1};
constexpr Seconds kLong{1};
constexpr Seconds kLongest{10};
constexpr Seconds kStale{30};

}  // namespace

GradientLimit::GradientLimit(std::uint32_t most, Clock::duration phase)
    : most_(std::clamp(most, kLeast, kMost)),
      phase_(phase),
      limit_(std::min<double>(kFirst, most_)),
      highest_(limit_),
      lowest_(limit_) {}

GradientLimit::Verdict GradientLimit::judge(std::uint32_t answers, Clock::duration gathered,
                                            double seconds_before) {
  const auto shortest = std::clamp(2 * Seconds(seconds_before), kShortest, kLongest);
  if ((answers >= kEnough && gathered >= shortest) ||
      (answers >= kFew && gathered >= std::max(shortest, kLong))) {
    return Verdict::kAdd;
  }
  return gathered >= kStale ? Verdict::kSkip : Verdict::kWait;
}

std::uint32_t GradientLimit::limit() const {
  return std::max(kLeast, static_cast<std::uint32_t>(limit_ * part_));
}

void GradientLimit::add(const Window& window) {
  switch (state_) {
    case State::kFollowing:
      follow(window);
      return;
    case State::kSettling:  // what was sent before still holds up what comes now
      state_ = State::kMeasuring;
      return;
    case State::kMeasuring:
      end_measuring(std::max(window.seconds, kLeastSeconds));
      return;
  }
}

void GradientLimit::skip() {
  if (state_ != State::kFollowing) {
    follow_again();
  }
}

void GradientLimit::follow(const Window& window) {
  const double seconds = std::max(window.seconds, kLeastSeconds);
  const double used = window.most_under_way / limit_;
  if (baseline_ == 0) {
    baseline_ = seconds;
    if (used > kSomeUse) {
      begin_measuring(window.end, seconds);
    }
    return;
  }
  if (used <= kSomeUse || seconds < baseline_) {
    baseline_ *= std::pow(seconds / baseline_, kBelief);
  }
  if (used <= kSomeUse) {
    return;  // neither is there a need for more, nor is it for this limit that anything waits
  }
  adjust(seconds, used > kMuchUse);
  const bool is_waiting = seconds > baseline_ * kNoWaiting;
  const bool has_moved = limit_ < highest_ * kFallen || limit_ > lowest_ * kRisen;
  if (is_waiting && (window.end >= due_ || has_moved)) {
    begin_measuring(window.end, seconds);
  }
}

// Down in two steps: half of what a window tells was sent under the limit before.
void GradientLimit::adjust(double seconds, bool may_grow) {
  const double gradient = std::clamp(kTolerance * baseline_ / seconds, kSteepest, kTolerance);
  const double wanted = limit_ * gradient + std::sqrt(limit_) * kHeadroom;
  if (wanted < limit_) {
    limit_ = std::max((limit_ + wanted) / 2, double{kLeast});
  } else if (may_grow) {
    limit_ = std::min(wanted, most_);
  }
  highest_ = std::max(highest_, limit_);
  lowest_ = std::min(lowest_, limit_);
}

void GradientLimit::begin_measuring(Clock::time_point now, double seconds) {
  state_ = State::kSettling;
  part_ = kLess;
  before_ = seconds;
  const auto into = (now.time_since_epoch() + phase_) % Clock::duration(kMeasuredEvery);
  due_ = now - into + kMeasuredEvery;
}

void GradientLimit::end_measuring(double seconds) {
  baseline_ = seconds;
  if (seconds < before_ * kHelped && limit() > kLeast) {
    state_ = State::kSettling;  // even this many keep each other waiting
    part_ *= kLess;
    before_ = seconds;
    return;
  }
  follow_again();
}

void GradientLimit::follow_again() {
  state_ = State::kFollowing;
  part_ = 1;
  highest_ = lowest_ = limit_;
}

}  // namespace portico::routing
