#include "proxy/exchange/endpoint_health.h"

namespace portico::exchange {
namespace {

using routing::OutlierState;

std::chrono::milliseconds since_epoch(EndpointHealth::Clock::time_point now) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
}

}  // namespace

bool EndpointHealth::is_shut(Clock::time_point now) const {
  if (is_ill()) {
    return true;
  }
  const auto word = word_.load(std::memory_order_relaxed);
  if (word == 0) {
    return false;
  }
  const auto state = OutlierState::unpack(word);
  return state.is_out() && !state.is_due(since_epoch(now));
}

EndpointHealth::Entry EndpointHealth::enter(Clock::time_point now) {
  if (is_ill()) {
    return Entry::kShut;
  }
  auto word = word_.load(std::memory_order_relaxed);
  if (word == 0) {
    return Entry::kFree;
  }
  const auto state = OutlierState::unpack(word);
  if (!state.is_out()) {
    return Entry::kFree;
  }
  const auto time = since_epoch(now);
  const bool claims =
      state.is_due(time) &&
      word_.compare_exchange_strong(word, claimed(state, time).pack(), std::memory_order_relaxed);
  return claims ? Entry::kClaimed : Entry::kShut;
}

bool EndpointHealth::report(routing::TryOutcome outcome, bool let_through,
                            const routing::OutlierLimits& limits, Clock::time_point now) {
  const auto time = since_epoch(now);
  auto word = word_.load(std::memory_order_relaxed);
  while (true) {
    const auto before = OutlierState::unpack(word);
    const auto after = after_try(before, outcome, let_through, limits, time);
    if (after == before) {
      return false;
    }
    if (word_.compare_exchange_weak(word, after.pack(), std::memory_order_relaxed)) {
      const bool ejects = after.phase == OutlierState::Phase::kEjected;
      if (before.is_out() && !after.is_out()) {
        serves_since_.store(time.count(), std::memory_order_relaxed);
      }
      if (ejects || before.is_out()) {
        changes_.fetch_add(1, std::memory_order_release);
      }
      return ejects;
    }
  }
}

bool EndpointHealth::put_out(Clock::time_point now) {
  const auto time = since_epoch(now);
  auto word = word_.load(std::memory_order_relaxed);
  while (true) {
    const auto before = OutlierState::unpack(word);
    const auto after = routing::put_out(before, time);
    if (after == before) {
      return false;
    }
    if (word_.compare_exchange_weak(word, after.pack(), std::memory_order_relaxed)) {
      changes_.fetch_add(1, std::memory_order_release);
      return true;
    }
  }
}

// Where somebody else's report comes between, that tells more.
void EndpointHealth::give_up() {
  auto word = word_.load(std::memory_order_relaxed);
  word_.compare_exchange_strong(word, given_up(OutlierState::unpack(word)).pack(),
                                std::memory_order_relaxed);
}

void EndpointHealth::set_ill(bool ill) {
  if (is_ill_.exchange(ill, std::memory_order_relaxed) != ill) {
    if (!ill) {
      serves_since_.store(since_epoch(Clock::now()).count(), std::memory_order_relaxed);
    }
    changes_.fetch_add(1, std::memory_order_release);
  }
}

void EndpointHealth::check_passed(Clock::time_point now) {
  if (state().is_out()) {
    report(routing::TryOutcome::kAnswered, true, {}, now);
  }
}

OutlierState EndpointHealth::state() const {
  return OutlierState::unpack(word_.load(std::memory_order_relaxed));
}

EndpointHealth* EndpointHealthTable::take(EndpointId id) {
  const auto index = static_cast<std::size_t>(id);
  while (blocks_.size() <= index) {
    blocks_.emplace_back(changes_);
  }
  blocks_[index].reset();
  return &blocks_[index];
}

}  // namespace portico::exchange
