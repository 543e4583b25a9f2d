// When each of many recurring checks is due: at moments of its own, spread over the interval.
//
// A decider: time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace portico::checks {

enum class CheckId : std::uint32_t {};  // small numbers: they are indexes

// A check is due at `place + n * interval`, whatever becomes of the one before: those that are
// slow, or late for want of room, neither drift nor gather.
//
// Cost: the logarithm of how many there are.
class Schedule {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  // First due within an interval from `now`, where `place` says: 0 at once, and the largest number
  // at its end.
  void add(CheckId id, std::chrono::milliseconds interval, std::uint64_t place, Time now);
  void remove(CheckId id);

  // The one that has been due for longest. It is not due again before finish().
  std::optional<CheckId> begin(Time now);
  // Due at the next of its moments. One that was removed meanwhile: nothing.
  void finish(CheckId id, Time now);

  // When begin() has another one; none: there is none.
  [[nodiscard]] std::optional<Time> next() const;

 private:
  struct Entry {
    std::chrono::milliseconds interval{};  // 0: removed
    Time due;
  };
  std::vector<Entry> entries_;  // by CheckId
  std::set<std::pair<Time, CheckId>> waiting_;
};

}  // namespace portico::checks
