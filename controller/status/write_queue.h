// Which object is written next, and when. A decider: time is an argument.
//
// Holds keys, never what to write: that is looked up when a key's turn comes, so that a key that
// was added ten times is written once, with the newest.
//
//   in flight and per second   bounded, for all keys together
//   a key that failed          waits, twice as long each time; where everything fails, all wait
//   a key that was written     waits before it is written again, twice as long each time: two
//                              controllers that write the same object slow down to one write in
//                              five minutes
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "controller/status/token_bucket.h"

namespace portico::status {

struct QueueLimits {
  std::size_t in_flight = 16;
  double burst = 100;
  double per_second = 200;
  std::chrono::milliseconds first_wait{1000};
  std::chrono::milliseconds longest_wait{300'000};
  // A key that has not been written for so long is written at once again.
  std::chrono::milliseconds calm{600'000};
};

class WriteQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit WriteQueue(QueueLimits limits = {})
      : limits_(limits), rate_(limits.burst, limits.per_second) {}

  void add(std::string_view key, Time now);
  // The next key to write, which is then in flight until one of the four below.
  std::optional<std::string> take(Time now);

  // How long the key now has to wait.
  std::chrono::milliseconds written(const std::string& key, Time now);
  // There was nothing to write after all.
  void unneeded(const std::string& key, Time now);
  // `at_least`: what the server asked for, or what would be hopeless to undercut.
  void failed(const std::string& key, Time now, std::chrono::milliseconds at_least = {});
  // It need not be written any more.
  void dropped(const std::string& key, Time now);

  // Forgets everything, what is in flight included.
  void clear();
  // What is to be written has changed: nobody fights, nobody waits.
  void forget_waits(Time now);
  // Forgets keys that have been quiet for long.
  void sweep(Time now);

  // When take() may next give a key, if nothing is told in between; nothing: not before.
  [[nodiscard]] std::optional<Time> next(Time now);
  [[nodiscard]] bool idle() const { return due_.empty() && in_flight_ == 0; }
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }

 private:
  struct Entry {
    enum class State { kQuiet, kQueued, kInFlight, kAddedInFlight };
    State state = State::kQuiet;
    Time due;         // where queued
    Time not_before;  // no write before that
    std::optional<Time> last_write;
    std::chrono::milliseconds pace{0};
    int failures = 0;
  };

  void queue(const std::string& key, Entry& entry, Time due);
  // The key's turn ends; it is queued again where it was added meanwhile.
  void end_turn(const std::string& key, Entry& entry, Time now);
  Entry& in_flight_entry(const std::string& key);

  const QueueLimits limits_;
  TokenBucket rate_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::set<std::pair<Time, std::string>> due_;
  std::size_t in_flight_ = 0;
  int failures_ = 0;  // in a row, of whatever keys
  Time paused_until_;
};

}  // namespace portico::status
