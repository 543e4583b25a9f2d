#include "routing/success_rate.h"

#include <algorithm>
#include <cmath>

#include <absl/container/flat_hash_map.h>

namespace portico::routing {
namespace {

constexpr double kMostFalse = 1e-6;  // in ten seconds, of a backend
constexpr double kLeastDistance = 0.05;

// x · ln(x / y); 0 where x is.
double term(double x, double y) {
  return x <= 0 ? 0 : x * std::log(x / y);
}

}  // namespace

double log_chance(const TryCount& one, const TryCount& others) {
  const auto failures = static_cast<double>(one.failures + others.failures);
  const auto tries = static_cast<double>(one.tries + others.tries);
  if (failures == 0 || one.tries == 0 || others.tries == 0) {
    return 0;
  }
  const double expected = static_cast<double>(one.tries) / tries;
  const double found = static_cast<double>(one.failures) / failures;
  if (found <= expected) {
    return 0;
  }
  return -failures * (term(found, expected) + term(1 - found, 1 - expected));
}

void SuccessRates::set_endpoints(std::span<const std::uint32_t> names) {
  if (std::ranges::equal(names, names_)) {
    return;
  }
  absl::flat_hash_map<std::uint32_t, std::size_t> known;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    known.emplace(names_[i], i);
  }
  std::vector<Windows> windows(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const auto found = known.find(names[i]); found != known.end()) {
      windows[i] = windows_[found->second];
    }
  }
  names_.assign(names.begin(), names.end());
  windows_ = std::move(windows);
}

void SuccessRates::add(std::size_t endpoint, const TryCount& count) {
  for (auto& window : windows_[endpoint]) {
    window.now += count;
  }
  if (count.failures != 0) {
    looks_without_failure_ = 0;
  }
}

std::optional<SuccessRates::Outlier> SuccessRates::look(IsOut is_out) {
  is_out_.assign(names_.size(), 0);
  std::size_t in = 0;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    is_out_[i] = is_out(i) ? 1 : 0;
    if (is_out_[i] != 0) {
      windows_[i] = {};
    } else {
      ++in;
    }
  }
  std::optional<Outlier> found;
  const bool half_stay = in > 1 && (in - 1) * 2 >= names_.size();
  for (std::size_t window = 0; half_stay && !found && window < kWindows.size(); ++window) {
    found = find(window);
  }
  if (found) {
    std::ranges::fill(windows_, Windows());
  }
  pass();
  return found;
}

std::optional<SuccessRates::Outlier> SuccessRates::find(std::size_t window) const {
  TryCount all;
  double in = 0;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    all += windows_[i][window].sum();  // nothing, of those that are out
    in += is_out_[i] == 0 ? 1 : 0;
  }
  constexpr double kLooks = 10.0 * kLooksPerSecond * kWindows.size();
  const double needed = std::log(kMostFalse / (kLooks * in));
  std::optional<Outlier> worst;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const auto one = windows_[i][window].sum();
    const TryCount others{.tries = all.tries - one.tries, .failures = all.failures - one.failures};
    const Outlier candidate{
        .endpoint = i, .failing = one.failing(), .others_failing = others.failing()};
    const double distance = candidate.failing - candidate.others_failing;
    if (distance >= std::max(kLeastDistance, candidate.others_failing) &&
        (!worst || candidate.failing > worst->failing) && log_chance(one, others) <= needed) {
      worst = candidate;
    }
  }
  return worst;
}

void SuccessRates::pass() {
  ++looks_;
  looks_without_failure_ += looks_without_failure_ <= kLongest ? 1 : 0;
  for (std::size_t window = 0; window < kWindows.size(); ++window) {
    if (looks_ % (kWindows[window] / 2) == 0) {
      for (auto& windows : windows_) {
        windows[window] = {.now = {}, .before = windows[window].now};
      }
    }
  }
}

}  // namespace portico::routing
