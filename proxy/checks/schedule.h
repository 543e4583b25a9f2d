// When each of many recurring checks is due, at moments of its own, spread over the interval; and
// whose turn it is where more are due than may be under way.
//
// A decider: time is an argument.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portico::checks {

enum class CheckId : std::uint32_t {};  // small numbers: they are indexes

// A check is due at `place + n * interval`, whatever becomes of the one before: those that are
// slow, or late for want of room, neither drift nor gather.
//
// A group has no more under way than there is room left: alone it fills half of all, and there is
// room for who comes next. Who has the fewest under way comes first, of those who began longest
// ago. So whatever hangs in one group, another that has nothing under way waits at most until, of
// every `at_once` groups with something due, one check has ended.
//
// Cost: the logarithm of how many there are.
class Schedule {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  explicit Schedule(std::size_t at_once) : at_once_(at_once) {}

  // First due within an interval from `now`, where `place` says: 0 at once, and the largest number
  // at its end.
  void add(CheckId id, std::string_view group, std::chrono::milliseconds interval,
           std::uint64_t place, Time now);
  void remove(CheckId id);

  // Of the group whose turn it is, the one that has been due for longest. It is not due again
  // before finish().
  std::optional<CheckId> begin(Time now);
  // Due at the next of its moments. One that was removed meanwhile: nothing.
  void finish(CheckId id, Time now);

  // When begin() should be asked again, unless one ends before; none: only then.
  [[nodiscard]] std::optional<Time> next() const;
  [[nodiscard]] std::size_t running() const { return running_; }

 private:
  struct Group {
    std::set<std::pair<Time, CheckId>> waiting;
    std::size_t members = 0;
    std::size_t running = 0;
    std::uint64_t turn = 0;  // the larger, the later it began one; no two have the same
    bool is_ready = false;   // stands in ready_, else in sleeping_ if anything waits
  };
  using Groups = std::map<std::string, Group, std::less<>>;
  struct Entry {
    std::chrono::milliseconds interval{};  // 0: removed
    Time due;
    Groups::iterator group;
    bool is_running = false;
  };
  void take_out(Group& group);
  void put_back(Group& group);
  void end(Entry& entry);
  void wake(Time now);

  const std::size_t at_once_;
  std::size_t running_ = 0;
  std::uint64_t turns_ = 0;
  std::vector<Entry> entries_;  // by CheckId
  Groups groups_;
  std::map<std::pair<std::size_t, std::uint64_t>, Group*> ready_;  // by what runs, and turn
  std::map<std::pair<Time, std::uint64_t>, Group*> sleeping_;      // by what is due first, and turn
};

}  // namespace portico::checks
