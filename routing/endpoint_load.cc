#include "routing/endpoint_load.h"

#include <algorithm>
#include <cmath>

namespace portico::routing {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr double kDecaySeconds = 10;  // ingress-nginx's
constexpr double kMostSeconds = 60;
constexpr double kLeastSeconds = 0.001;  // of a failure

// What is left of a figure's weight.
double weight(EndpointLoad::Clock::duration age) {
  return std::exp(-std::max(Seconds(age).count(), 0.0) / kDecaySeconds);
}

}  // namespace

double EndpointLoad::expected_seconds(Clock::time_point now) const {
  return seconds_ * weight(now - heard_);
}

void EndpointLoad::answered(Clock::duration took, Clock::time_point now) {
  const double sample = Seconds(took).count();
  if (!heard() || sample > expected_seconds(now)) {
    seconds_ = std::min(sample, kMostSeconds);
  } else {
    const double kept = weight(now - heard_);
    seconds_ = seconds_ * kept + sample * (1 - kept);
  }
  heard_ = now;
}

void EndpointLoad::failed(Clock::duration took, Clock::time_point now) {
  const double worse = 2 * expected_seconds(now);
  seconds_ = std::clamp(std::max(worse, Seconds(took).count()), kLeastSeconds, kMostSeconds);
  heard_ = now;
}

bool is_faster(const EndpointLoad& a, const EndpointLoad& b, EndpointLoad::Clock::time_point now,
               std::uint32_t share_of_a, std::uint32_t share_of_b) {
  const bool comparable = a.heard() && b.heard();
  const double of_a = comparable ? a.expected_seconds(now) : 1;
  const double of_b = comparable ? b.expected_seconds(now) : 1;
  const auto queue = [](const EndpointLoad& load, std::uint32_t share) {
    return 1 + static_cast<double>(load.open()) * kWholePart / share;
  };
  return of_a * queue(a, share_of_a) < of_b * queue(b, share_of_b);
}

}  // namespace portico::routing
