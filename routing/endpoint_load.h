// What one worker knows of the load of one endpoint: what least requests and EWMA go by.
#pragma once

#include <chrono>
#include <cstdint>

#include "routing/share.h"

namespace portico::routing {

// Of two, the better one is the one with the lower cost.
//
// Thread: bound to its worker. Workers don't add theirs up: each sees its own share of the
//         requests, and each leaves a slow endpoint by itself.
class EndpointLoad {
 public:
  using Clock = std::chrono::steady_clock;

  void began() { ++open_; }
  void ended() { open_ -= open_ > 0 ? 1 : 0; }
  [[nodiscard]] std::uint32_t open() const { return open_; }

  // An answer began after `took`. A slower one than expected counts in full at once; faster ones
  // are believed little by little, as time passes (peak EWMA).
  void answered(Clock::duration took, Clock::time_point now);
  // It failed, or was given up: the next answer is expected later than the last one.
  void failed(Clock::duration took, Clock::time_point now);

  // Seconds until it answers, as expected; less and less while nothing is heard of it, so that it
  // gets another chance. Nothing is known of it where heard() is false.
  [[nodiscard]] double expected_seconds(Clock::time_point now) const;
  [[nodiscard]] bool heard() const { return heard_ != Clock::time_point(); }

 private:
  std::uint32_t open_ = 0;
  double seconds_ = 0;  // at heard_
  Clock::time_point heard_;
};

// Whether a is to be preferred to b. An endpoint's share is its weight in thousandths (share.h):
// with twice the share, twice the open requests are as many. What is idle is alike, whatever its
// share.
[[nodiscard]] inline bool has_fewer_open(const EndpointLoad& a, const EndpointLoad& b,
                                         std::uint32_t share_of_a = kWholePart,
                                         std::uint32_t share_of_b = kWholePart) {
  return std::uint64_t{a.open()} * share_of_b < std::uint64_t{b.open()} * share_of_a;
}
// By the expected time times the requests that would then be open. Of which nothing is known is
// taken to be as fast as the other.
[[nodiscard]] bool is_faster(const EndpointLoad& a, const EndpointLoad& b,
                             EndpointLoad::Clock::time_point now,
                             std::uint32_t share_of_a = kWholePart,
                             std::uint32_t share_of_b = kWholePart);

}  // namespace portico::routing
