#include "proxy/checks/schedule.h"

#include <cassert>

namespace portico::checks {

void Schedule::add(CheckId id, std::string_view group, std::chrono::milliseconds interval,
                   std::uint64_t place, Time now) {
  const auto index = static_cast<std::size_t>(id);
  if (entries_.size() <= index) {
    entries_.resize(index + 1);
  }
  assert(entries_[index].interval.count() == 0 && interval.count() > 0);
  const auto nanoseconds = std::chrono::nanoseconds(interval).count();
  constexpr unsigned kBits = 16;  // of the place: an hour times these fits
  const auto offset = std::chrono::nanoseconds(
      nanoseconds * static_cast<std::int64_t>(place >> (64 - kBits)) / (1 << kBits));
  auto of = groups_.find(group);
  if (of == groups_.end()) {
    of = groups_.emplace(group, Group{.waiting = {}, .turn = ++turns_}).first;
  }
  entries_[index] = {.interval = interval, .due = now + offset, .group = of};
  take_out(of->second);
  ++of->second.members;
  of->second.waiting.emplace(entries_[index].due, id);
  put_back(of->second);
}

void Schedule::remove(CheckId id) {
  auto& entry = entries_[static_cast<std::size_t>(id)];
  auto& group = entry.group->second;
  take_out(group);
  if (entry.is_running) {
    end(entry);
  } else {
    group.waiting.erase({entry.due, id});
  }
  if (--group.members == 0) {
    groups_.erase(entry.group);
  } else {
    put_back(group);
  }
  entry = {};
}

std::optional<CheckId> Schedule::begin(Time now) {
  wake(now);
  if (ready_.empty()) {
    return std::nullopt;
  }
  auto& group = *ready_.begin()->second;
  if (group.running >= at_once_ - running_) {
    return std::nullopt;
  }
  take_out(group);
  const auto id = group.waiting.extract(group.waiting.begin()).value().second;
  entries_[static_cast<std::size_t>(id)].is_running = true;
  ++group.running;
  ++running_;
  group.turn = ++turns_;
  put_back(group);
  return id;
}

void Schedule::finish(CheckId id, Time now) {
  auto& entry = entries_[static_cast<std::size_t>(id)];
  if (entry.interval.count() == 0) {
    return;
  }
  auto& group = entry.group->second;
  take_out(group);
  end(entry);
  const auto missed = now < entry.due ? 0 : (now - entry.due) / entry.interval;
  entry.due += (missed + 1) * entry.interval;
  group.waiting.emplace(entry.due, id);
  put_back(group);
}

std::optional<Schedule::Time> Schedule::next() const {
  return sleeping_.empty() ? std::nullopt : std::optional(sleeping_.begin()->first.first);
}

void Schedule::end(Entry& entry) {
  entry.is_running = false;
  --entry.group->second.running;
  --running_;
}

// Before any change of what it is ordered by.
void Schedule::take_out(Group& group) {
  if (group.is_ready) {
    ready_.erase({group.running, group.turn});
  } else if (!group.waiting.empty()) {
    sleeping_.erase({group.waiting.begin()->first, group.turn});
  }
  group.is_ready = false;
}

// Asleep, whatever is due: wake() knows what time it is.
void Schedule::put_back(Group& group) {
  if (!group.waiting.empty()) {
    sleeping_.emplace(std::pair(group.waiting.begin()->first, group.turn), &group);
  }
}

void Schedule::wake(Time now) {
  while (!sleeping_.empty() && sleeping_.begin()->first.first <= now) {
    auto& group = *sleeping_.extract(sleeping_.begin()).mapped();
    group.is_ready = true;
    ready_.emplace(std::pair(group.running, group.turn), &group);
  }
}

}  // namespace portico::checks
