// How long to wait before trying again.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace portico::kube {

// Doubles from kFirst to the longest that is allowed, each wait shortened at random by up to half,
// so that many clients don't come back at once. A decider: the seed is an argument.
class Backoff {
 public:
  static constexpr std::chrono::milliseconds kFirst{200};

  explicit Backoff(std::uint32_t seed) : random_(seed) {}

  // The wait after one more failure.
  std::chrono::milliseconds next(std::chrono::milliseconds longest);
  void reset() { failures_ = 0; }
  // A number in [low, high], from the same source.
  std::int64_t between(std::int64_t low, std::int64_t high);

 private:
  int failures_ = 0;
  std::minstd_rand random_;
};

}  // namespace portico::kube
