// How much useless work a client's HTTP/2 connection may ask for, against what it does of use.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace portico::downstream {

// What is legal, or forgivable, and costs us more than the client that does it all day.
enum class Glitch : std::uint8_t {
  kPing,
  kSettings,
  kPriority,
  kWindowUpdate,
  kEmptyData,
  kContinuation,
  kGoaway,
  kLateHead,     // where no stream begins: trailers, or of no use
  kRefused,      // a stream beyond what it may open
  kReset,        // of a request that is being served (CVE-2023-44487)
  kClientFault,  // that had us reset a stream (CVE-2025-8671)
  kLargeHead,    // beyond what heads may be
  kEndlessHead,  // far beyond: megabytes may have been decoded (CVE-2016-6581)
};

// Points that come back with time, and with requests that are served. A decider: time is an
// argument.
//
// Thread: worker-bound.
class GlitchBudget {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::int64_t kCapacity = 2000;
  static constexpr std::int64_t kPerSecond = 100;
  // What use is worth: the frames that sound clients send for it are paid by it.
  static constexpr std::int64_t kForDataSent = 3;      // a WINDOW_UPDATE or two, perhaps a PING
  static constexpr std::int64_t kForDataReceived = 2;  // a PING, to measure
  // A reset of another one. Not for answers made here: refusals would pay for resets.
  static constexpr std::int64_t kForAnswer = 10;

  explicit GlitchBudget(Clock::time_point now) : refilled_(now) {}

  // False: it is used up, and the client is to be sent away.
  bool spend(Glitch glitch, Clock::time_point now) {
    points_ -= cost_of(glitch);
    if (points_ < 0) {
      refill(now);
    }
    return points_ >= 0;
  }
  void earn(std::int64_t points) { points_ = std::min(points_ + points, kCapacity); }
  [[nodiscard]] std::int64_t points() const { return points_; }

  static constexpr std::int64_t cost_of(Glitch glitch) {
    switch (glitch) {
      case Glitch::kPriority:
      case Glitch::kWindowUpdate:
      case Glitch::kGoaway:
        return 1;
      case Glitch::kPing:
        return 2;
      case Glitch::kEmptyData:
      case Glitch::kContinuation:
      case Glitch::kLateHead:
      case Glitch::kRefused:
        return 5;
      case Glitch::kReset:
        return 10;
      case Glitch::kSettings:
      case Glitch::kClientFault:
        return 20;
      case Glitch::kLargeHead:
        return 500;
      case Glitch::kEndlessHead:
        return kCapacity + 1;
    }
    return 0;
  }

 private:
  void refill(Clock::time_point now) {
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - refilled_);
    const std::int64_t points =
        std::min<std::int64_t>(passed.count(), kLongMilliseconds) * kPerSecond / 1000;
    if (points > 0) {
      refilled_ = now;
      earn(points);
    }
  }

  static constexpr std::int64_t kLongMilliseconds = 1'000 * kCapacity / kPerSecond;
  std::int64_t points_ = kCapacity;
  Clock::time_point refilled_;
};

}  // namespace portico::downstream
