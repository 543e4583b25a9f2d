// Coarse timeouts: armed and re-armed for every request, hardly ever firing.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>

namespace portico::net {

class DeadlineWheel;
class Loop;

// Calls back once, no earlier than asked and at most two ticks (200 ms) later.
//
// Thread:    worker-bound.
// Lifetime:  destroying it cancels. The callback may destroy it, re-arm it, or touch any other.
// Cost:      re-arming for later and cancelling are one store each: the node stays where it is in
// the
//            wheel and is looked at again when its old slot comes round.
class Deadline {
 public:
  using Callback = std::move_only_function<void()>;
  Deadline(Loop& loop, Callback on_expired);
  Deadline(DeadlineWheel& wheel, Callback on_expired);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // From now on; replaces what was armed.
  void arm(std::chrono::milliseconds after);
  void cancel() { expiry_ = kNever; }
  [[nodiscard]] bool armed() const { return expiry_ != kNever; }

 private:
  friend class DeadlineWheel;
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  Deadline* previous_ = nullptr;  // both null: in no slot
  Deadline* next_ = nullptr;
  DeadlineWheel* wheel_;
  std::uint64_t expiry_ = kNever;  // in ticks
  std::uint64_t visit_ = 0;        // tick at which its slot is looked at
  Callback on_expired_;
};

// The slots. A decider: the time is an argument, somebody else watches the clock.
//
// Thread:    worker-bound.
// Lifetime:  outlives its deadlines.
class DeadlineWheel {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kTick{100};
  static constexpr std::size_t kSlots = 512;

  // `clock` tells the time when a deadline is armed; `wake` is called when the wheel stops being
  // empty.
  DeadlineWheel(std::move_only_function<Clock::time_point()> clock,
                std::move_only_function<void()> wake);
  ~DeadlineWheel();
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  // Fires what has expired by `now`.
  void advance(Clock::time_point now);
  // Nothing is in a slot (a cancelled deadline leaves its slot only when that comes round).
  [[nodiscard]] bool empty() const { return linked_ == 0; }
  [[nodiscard]] std::size_t linked() const { return linked_; }

 private:
  friend class Deadline;
  void arm(Deadline& deadline, std::chrono::milliseconds after);
  void link(Deadline& deadline);
  void unlink(Deadline& deadline);
  void visit(std::uint64_t tick);
  void fire(Deadline& deadline);

  std::move_only_function<Clock::time_point()> clock_;
  std::move_only_function<void()> wake_;
  std::uint64_t tick_ = 0;  // last one that was visited
  std::size_t linked_ = 0;
  std::array<Deadline*, kSlots> slots_{};  // heads of circular lists
  Deadline* visiting_ = nullptr;           // head of the slot being emptied
  Deadline* firing_ = nullptr;             // null again once it has been destroyed
};

}  // namespace portico::net
