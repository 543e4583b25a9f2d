#include "controller/status/write_queue.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace portico::status {
namespace {

using std::chrono::milliseconds;

milliseconds doubled(milliseconds first, int times, milliseconds longest) {
  constexpr int kMost = 20;
  return std::min(first * (1 << std::clamp(times, 0, kMost)), longest);
}

}  // namespace

void WriteQueue::add(std::string_view key, Time now) {
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    found = entries_.emplace(std::string(key), Entry{}).first;
  }
  auto& entry = found->second;
  if (entry.state == Entry::State::kInFlight) {
    entry.state = Entry::State::kAddedInFlight;
  } else if (entry.state == Entry::State::kQuiet) {
    queue(found->first, entry, std::max(now, entry.not_before));
  }
}

std::optional<std::string> WriteQueue::take(Time now) {
  if (in_flight_ >= limits_.in_flight || now < paused_until_ || due_.empty() ||
      due_.begin()->first > now || !rate_.take(now)) {
    return std::nullopt;
  }
  auto key = std::move(due_.extract(due_.begin()).value().second);
  entries_.find(key)->second.state = Entry::State::kInFlight;
  ++in_flight_;
  return key;
}

milliseconds WriteQueue::written(const std::string& key, Time now) {
  auto& entry = in_flight_entry(key);
  const bool is_calm = !entry.last_write || now - *entry.last_write > limits_.calm;
  entry.pace = is_calm ? limits_.first_wait : std::min(entry.pace * 2, limits_.longest_wait);
  entry.last_write = now;
  entry.not_before = now + entry.pace;
  entry.failures = 0;
  failures_ = 0;
  end_turn(key, entry, now);
  return entry.pace;
}

void WriteQueue::unneeded(const std::string& key, Time now) {
  rate_.give_back();
  auto& entry = in_flight_entry(key);
  entry.failures = 0;
  end_turn(key, entry, now);
}

void WriteQueue::dropped(const std::string& key, Time now) {
  auto& entry = in_flight_entry(key);
  entry.failures = 0;
  failures_ = 0;
  end_turn(key, entry, now);
}

void WriteQueue::failed(const std::string& key, Time now, milliseconds at_least) {
  auto& entry = in_flight_entry(key);
  const auto wait =
      std::max(doubled(limits_.first_wait, entry.failures++, limits_.longest_wait), at_least);
  entry.not_before = now + wait;
  // Nobody answers: thousands of keys need not find that out one by one.
  constexpr milliseconds kLongestPause{30'000};
  const auto rounds = ++failures_ / static_cast<int>(limits_.in_flight);
  if (rounds > 0) {
    paused_until_ = now + doubled(limits_.first_wait, rounds - 1, kLongestPause);
  }
  entry.state = Entry::State::kAddedInFlight;
  end_turn(key, entry, now);
}

void WriteQueue::clear() {
  entries_.clear();
  due_.clear();
  in_flight_ = 0;
  failures_ = 0;
  paused_until_ = {};
}

void WriteQueue::forget_waits(Time now) {
  for (auto& [key, entry] : entries_) {
    entry.last_write.reset();
    entry.not_before = {};
    entry.failures = 0;
    if (entry.state == Entry::State::kQueued) {
      due_.erase({entry.due, key});
      queue(key, entry, now);
    }
  }
  paused_until_ = {};
}

void WriteQueue::sweep(Time now) {
  std::erase_if(entries_, [&](const auto& item) {
    const auto& entry = item.second;
    return entry.state == Entry::State::kQuiet &&
           (!entry.last_write || now - *entry.last_write > limits_.calm);
  });
}

std::optional<WriteQueue::Time> WriteQueue::next(Time now) {
  if (due_.empty() || in_flight_ >= limits_.in_flight) {
    return std::nullopt;
  }
  return std::max({due_.begin()->first, paused_until_, rate_.next(now)});
}

void WriteQueue::queue(const std::string& key, Entry& entry, Time due) {
  entry.state = Entry::State::kQueued;
  entry.due = due;
  due_.emplace(due, key);
}

void WriteQueue::end_turn(const std::string& key, Entry& entry, Time now) {
  --in_flight_;
  if (std::exchange(entry.state, Entry::State::kQuiet) == Entry::State::kAddedInFlight) {
    queue(key, entry, std::max(now, entry.not_before));
  }
}

WriteQueue::Entry& WriteQueue::in_flight_entry(const std::string& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || (found->second.state != Entry::State::kInFlight &&
                                  found->second.state != Entry::State::kAddedInFlight)) {
    std::abort();  // told of a key that was not taken
  }
  return found->second;
}

}  // namespace portico::status
