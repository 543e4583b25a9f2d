#include "proxy/checks/schedule.h"

#include <cassert>

namespace portico::checks {

void Schedule::add(CheckId id, std::chrono::milliseconds interval, std::uint64_t place, Time now) {
  const auto index = static_cast<std::size_t>(id);
  if (entries_.size() <= index) {
    entries_.resize(index + 1);
  }
  assert(entries_[index].interval.count() == 0 && interval.count() > 0);
  const auto nanoseconds = std::chrono::nanoseconds(interval).count();
  constexpr unsigned kBits = 16;  // of the place: an hour times these fits
  const auto offset = std::chrono::nanoseconds(
      nanoseconds * static_cast<std::int64_t>(place >> (64 - kBits)) / (1 << kBits));
  entries_[index] = {.interval = interval, .due = now + offset};
  waiting_.emplace(entries_[index].due, id);
}

void Schedule::remove(CheckId id) {
  auto& entry = entries_[static_cast<std::size_t>(id)];
  waiting_.erase({entry.due, id});
  entry = {};
}

std::optional<CheckId> Schedule::begin(Time now) {
  if (waiting_.empty() || waiting_.begin()->first > now) {
    return std::nullopt;
  }
  return waiting_.extract(waiting_.begin()).value().second;
}

void Schedule::finish(CheckId id, Time now) {
  auto& entry = entries_[static_cast<std::size_t>(id)];
  if (entry.interval.count() == 0) {
    return;
  }
  const auto missed = now < entry.due ? 0 : (now - entry.due) / entry.interval;
  entry.due += (missed + 1) * entry.interval;
  waiting_.emplace(entry.due, id);
}

std::optional<Schedule::Time> Schedule::next() const {
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
}

}  // namespace portico::checks
