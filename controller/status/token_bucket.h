// A rate: so many at once, then so many a second. A decider: the time is an argument.
#pragma once

#include <algorithm>
#include <chrono>

namespace portico::status {

class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  TokenBucket(double burst, double per_second)
      : burst_(burst), per_second_(per_second), tokens_(burst) {}

  bool take(Time now) {
    fill(now);
    if (tokens_ < 1) {
      return false;
    }
    tokens_ -= 1;
    return true;
  }

  // Of one that was taken and not used.
  void give_back() { tokens_ = std::min(burst_, tokens_ + 1); }

  // When the next one is there: `now` where it is already.
  [[nodiscard]] Time next(Time now) {
    fill(now);
    if (tokens_ >= 1) {
      return now;
    }
    const std::chrono::duration<double> wait((1 - tokens_) / per_second_);
    return now + std::chrono::ceil<std::chrono::milliseconds>(wait);
  }

 private:
  void fill(Time now) {
    if (last_ != Time{} && now > last_) {
      const std::chrono::duration<double> passed = now - last_;
      tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
    }
    last_ = std::max(now, last_);
  }

  double burst_;
  double per_second_;
  double tokens_;
  Time last_;
};

}  // namespace portico::status
