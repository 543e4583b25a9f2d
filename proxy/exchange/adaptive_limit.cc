#include "proxy/exchange/adaptive_limit.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace portico::exchange {

using routing::GradientLimit;

namespace {

// One word, so that one addition keeps the two together: the count below, the sum above.
constexpr int kCountBits = 24;
constexpr std::uint64_t kOne = 1;
constexpr std::uint64_t kCountMask = (kOne << kCountBits) - 1;
constexpr double kParts = 256;  // of a power of two are told apart

// Of nanoseconds: a year is less than 2^55 of them.
std::uint64_t logarithm(AdaptiveLimit::Clock::duration took) {
  const auto ns = std::chrono::duration<double, std::nano>(took).count();
  return static_cast<std::uint64_t>(std::log2(std::max(ns, 1.0)) * kParts);
}

double mean_seconds(std::uint64_t answers) {
  const auto count = static_cast<double>(answers & kCountMask);
  const auto sum = static_cast<double>(answers >> kCountBits);
  return std::exp2(sum / count / kParts) * 1e-9;
}

// Of the steady clock against the one that other replicas read too.
AdaptiveLimit::Clock::duration phase() {
  return std::chrono::duration_cast<AdaptiveLimit::Clock::duration>(
      std::chrono::system_clock::now().time_since_epoch() -
      AdaptiveLimit::Clock::now().time_since_epoch());
}

}  // namespace

void AdaptiveLimit::turn_on(std::uint32_t most) {
  const tls::MutexLock lock(mutex_);
  if (is_on() && most == most_) {
    return;
  }
  most_ = most;
  limit_ = GradientLimit(most, phase());
  seconds_.store(0, std::memory_order_relaxed);
  begin_window(Clock::now());
  requests_.set_limit(std::min(most_, limit_.limit()));  // which never finds less than kLeast
  is_on_.store(true, std::memory_order_relaxed);
}

void AdaptiveLimit::turn_off() {
  const tls::MutexLock lock(mutex_);
  is_on_.store(false, std::memory_order_relaxed);
}

void AdaptiveLimit::answered(Clock::duration took, Clock::time_point now) {
  answers_.fetch_add((logarithm(took) << kCountBits) + 1, std::memory_order_relaxed);
  const auto under_way = requests_.inside();
  if (under_way > most_under_way_.load(std::memory_order_relaxed)) {
    most_under_way_.store(under_way, std::memory_order_relaxed);  // of two at once, either will do
  }
  if (judge(now) != GradientLimit::Verdict::kWait) {
    end_window(now);
  }
}

GradientLimit::Verdict AdaptiveLimit::judge(Clock::time_point now) const {
  const auto count = answers_.load(std::memory_order_relaxed) & kCountMask;
  return GradientLimit::judge(static_cast<std::uint32_t>(count),
                              now - began_.load(std::memory_order_relaxed),
                              seconds_.load(std::memory_order_relaxed));
}

void AdaptiveLimit::end_window(Clock::time_point now) {
  const tls::MutexLock lock(mutex_);
  const auto verdict = judge(now);  // another may have ended it meanwhile
  if (!is_on() || verdict == GradientLimit::Verdict::kWait) {
    return;
  }
  if (verdict == GradientLimit::Verdict::kAdd) {
    const auto seconds = mean_seconds(answers_.load(std::memory_order_relaxed));
    limit_.add({.seconds = seconds,
                .most_under_way = most_under_way_.load(std::memory_order_relaxed),
                .end = now});
    seconds_.store(seconds, std::memory_order_relaxed);
  } else {
    limit_.skip();
  }
  begin_window(now);
  requests_.set_limit(std::min(most_, limit_.limit()));
}

// What is told just now may be lost between two windows: that is no matter.
void AdaptiveLimit::begin_window(Clock::time_point now) {
  answers_.store(0, std::memory_order_relaxed);
  most_under_way_.store(0, std::memory_order_relaxed);
  began_.store(now, std::memory_order_relaxed);
}

}  // namespace portico::exchange
