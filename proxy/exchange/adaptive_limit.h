// How many requests a circuit lets in, by how long its answers take (routing/gradient_limit.h).
//
// Costs each answer an addition to what all workers share. A window is ended by whoever finds it
// whole, some ten times a second at most; a lock is taken only then.
//
// Thread:    shared. turn_on() and turn_off() are the controller's.
// Lifetime:  of its circuit.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "proxy/exchange/turnstile.h"
#include "routing/gradient_limit.h"
#include "tls/mutex.h"

namespace portico::exchange {

class AdaptiveLimit {
 public:
  using Clock = routing::GradientLimit::Clock;

  explicit AdaptiveLimit(Turnstile& requests) : requests_(requests) {}

  // `most`: the most that it lets in. What it has found out stays as long as that does.
  void turn_on(std::uint32_t most);
  // The limit is the caller's from now on.
  void turn_off();
  [[nodiscard]] bool is_on() const { return is_on_.load(std::memory_order_relaxed); }

  // An answer began so long after its request was sent; or it did not begin in time.
  void answered(Clock::duration took, Clock::time_point now);

 private:
  [[nodiscard]] routing::GradientLimit::Verdict judge(Clock::time_point now) const;
  void end_window(Clock::time_point now);
  void begin_window(Clock::time_point now);

  Turnstile& requests_;
  std::atomic<bool> is_on_ = false;
  std::atomic<std::uint64_t> answers_ = 0;  // their count, and the sum of their logarithms
  std::atomic<std::uint32_t> most_under_way_ = 0;
  std::atomic<Clock::time_point> began_ = Clock::time_point();  // the window
  std::atomic<double> seconds_ = 0;                             // in the one before
  tls::Mutex mutex_;
  std::uint32_t most_ PORTICO_GUARDED_BY(mutex_) = 0;
  routing::GradientLimit limit_ PORTICO_GUARDED_BY(mutex_);
};

}  // namespace portico::exchange
