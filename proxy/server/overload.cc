#include "proxy/server/overload.h"

namespace portico::server {
namespace {

// Percent of the limit. What is left beyond the last is for the answers that are on their way, and
// for what the controller needs to take a change.
constexpr std::uint64_t kHighFrom = 85;
constexpr std::uint64_t kCriticalFrom = 93;
constexpr std::uint64_t kSlack = 5;

}  // namespace

Pressure Overload::judge(std::uint64_t used_bytes) {
  if (limit_bytes_ == 0) {
    return pressure_;
  }
  const auto at_least = [this, used_bytes](std::uint64_t percent, Pressure level) {
    const auto from = pressure_ >= level ? percent - kSlack : percent;
    return used_bytes / 100 >= limit_bytes_ / 10'000 * from;
  };
  pressure_ = at_least(kCriticalFrom, Pressure::kCritical) ? Pressure::kCritical
              : at_least(kHighFrom, Pressure::kHigh)       ? Pressure::kHigh
                                                           : Pressure::kNone;
  return pressure_;
}

}  // namespace portico::server
