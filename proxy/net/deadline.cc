#include "proxy/net/deadline.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/net/loop.h"

namespace portico::net {

namespace {

using Clock = DeadlineWheel::Clock;

std::uint64_t ticks_passed(Clock::time_point time) {
  return static_cast<std::uint64_t>(time.time_since_epoch() / DeadlineWheel::kTick);
}

}  // namespace

Deadline::Deadline(Loop& loop, Callback on_expired)
    : Deadline(loop.deadlines(), std::move(on_expired)) {}

Deadline::Deadline(DeadlineWheel& wheel, Callback on_expired)
    : wheel_(&wheel), on_expired_(std::move(on_expired)) {}

Deadline::~Deadline() {
  if (next_ != nullptr) {
    wheel_->unlink(*this);
  }
  if (wheel_->firing_ == this) {
    wheel_->firing_ = nullptr;
  }
}

void Deadline::arm(std::chrono::milliseconds after) {
  wheel_->arm(*this, after);
}

DeadlineWheel::DeadlineWheel(std::move_only_function<Clock::time_point()> clock,
                             std::move_only_function<void()> wake)
    : clock_(std::move(clock)), wake_(std::move(wake)), tick_(ticks_passed(clock_())) {}

DeadlineWheel::~DeadlineWheel() {
  assert(linked_ == 0 && "a deadline outlives its wheel");
}

void DeadlineWheel::arm(Deadline& deadline, std::chrono::milliseconds after) {
  const Clock::time_point now = clock_();
  // Rounded up, so that it is never early.
  const std::uint64_t expiry = ticks_passed(now + after + kTick - Clock::duration(1));
  deadline.expiry_ = expiry;
  if (deadline.next_ != nullptr) {
    if (expiry >= deadline.visit_) {
      return;  // its slot is looked at in time
    }
    unlink(deadline);
  }
  if (linked_ == 0) {
    // Nobody watched the clock while the wheel was empty.
    tick_ = std::max(tick_, ticks_passed(now));
  }
  link(deadline);
  if (linked_ == 1) {
    wake_();
  }
}

void DeadlineWheel::link(Deadline& deadline) {
  deadline.visit_ = std::clamp(deadline.expiry_, tick_ + 1, tick_ + kSlots - 1);
  Deadline*& head = slots_[deadline.visit_ % kSlots];
  if (head == nullptr) {
    deadline.previous_ = deadline.next_ = &deadline;
    head = &deadline;
  } else {
    deadline.next_ = head;
    deadline.previous_ = head->previous_;
    deadline.previous_->next_ = &deadline;
    head->previous_ = &deadline;
  }
  ++linked_;
}

void DeadlineWheel::unlink(Deadline& deadline) {
  Deadline* next = deadline.next_ == &deadline ? nullptr : deadline.next_;
  deadline.previous_->next_ = deadline.next_;
  deadline.next_->previous_ = deadline.previous_;
  // It may be the head of its slot, or of the one being visited.
  Deadline*& head = slots_[deadline.visit_ % kSlots];
  if (head == &deadline) {
    head = next;
  }
  if (visiting_ == &deadline) {
    visiting_ = next;
  }
  deadline.previous_ = deadline.next_ = nullptr;
  --linked_;
}

void DeadlineWheel::advance(Clock::time_point now) {
  const std::uint64_t target = ticks_passed(now);
  if (target > tick_ + kSlots) {
    // After a long pause one turn of the wheel sees every slot; tick_ is far behind for none of
    // them.
    tick_ = target - kSlots;
  }
  while (tick_ < target && linked_ > 0) {
    visit(++tick_);
  }
  tick_ = std::max(tick_, target);
}

void DeadlineWheel::visit(std::uint64_t tick) {
  // Taken out of its slot whole: what callbacks arm now lands in later slots.
  visiting_ = std::exchange(slots_[tick % kSlots], nullptr);
  while (visiting_ != nullptr) {
    Deadline& deadline = *visiting_;
    unlink(deadline);
    if (deadline.expiry_ == Deadline::kNever) {
      continue;
    }
    if (deadline.expiry_ > tick) {
      link(deadline);
      continue;
    }
    fire(deadline);
  }
}

void DeadlineWheel::fire(Deadline& deadline) {
  deadline.expiry_ = Deadline::kNever;
  firing_ = &deadline;
  // Not called in place: it may destroy the deadline, and itself with it.
  Deadline::Callback callback = std::move(deadline.on_expired_);
  callback();
  if (firing_ != nullptr) {
    deadline.on_expired_ = std::move(callback);
    firing_ = nullptr;
  }
}

}  // namespace portico::net
