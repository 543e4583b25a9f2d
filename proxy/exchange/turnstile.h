// Lets so many in at once; the others may wait in line.
//
// Who enters while nobody waits, and who leaves while nobody waits, pays one atomic write and takes
// no lock. The line is one for all threads, first come, first served; nobody passes it by.
//
// No wakeup is lost: who joins the line writes waiting_ and then reads inside_; who leaves writes
// inside_ and then reads waiting_. All four are in the one order of sequentially consistent
// operations, so at least one of the two sees what the other wrote: either the one in line finds
// the place that is free, or the one who leaves finds the line and lets its first in, under the
// same lock.
//
// Thread:    shared.
// Lifetime:  outlives every Turn, and everybody who is inside.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <utility>

#include "proxy/net/loop.h"
#include "tls/mutex.h"

namespace portico::exchange {

class Turnstile {
 public:
  static constexpr std::uint32_t kNoLimit = std::numeric_limits<std::uint32_t>::max();

  // Is called on its own loop.
  class Waiter {
   public:
    // It is inside from now on, and no longer in line.
    virtual void on_turn() = 0;

   protected:
    ~Waiter() = default;
  };

  // A place in line. Destroying it gives the place up, whether or not its turn has come meanwhile;
  // without effect once on_turn() was called.
  //
  // Thread:   the waiter's.
  class Turn {
   public:
    Turn() = default;
    Turn(Turn&& other) noexcept : turnstile_(other.turnstile_), ticket_(std::move(other.ticket_)) {}
    Turn& operator=(Turn&& other) noexcept {
      give_up();
      turnstile_ = other.turnstile_;
      ticket_ = std::move(other.ticket_);
      return *this;
    }
    ~Turn() { give_up(); }
    explicit operator bool() const { return ticket_ != nullptr; }

   private:
    friend class Turnstile;
    struct Ticket;
    Turn(Turnstile& turnstile, std::shared_ptr<Ticket> ticket)
        : turnstile_(&turnstile), ticket_(std::move(ticket)) {}
    void give_up();

    Turnstile* turnstile_ = nullptr;
    std::shared_ptr<Ticket> ticket_;
  };

  // False where it is full, or others wait already.
  [[nodiscard]] bool enter() { return !has_waiting() && take_place(); }

  void leave() {
    inside_.fetch_sub(1);
    if (has_waiting()) {
      admit();
    }
  }

  // To the line's end, unless that is `longest` already: then nothing. on_turn() comes later, never
  // from inside.
  [[nodiscard]] Turn wait(net::Loop& loop, Waiter& waiter, std::uint32_t longest);

  // Who is inside stays there.
  void set_limit(std::uint32_t limit);

  [[nodiscard]] std::uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t inside() const { return inside_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool has_waiting() const { return waiting_.load() != 0; }

 private:
  using Line = std::list<std::shared_ptr<Turn::Ticket>>;

  bool take_place();
  void admit();
  void admit_locked() PORTICO_REQUIRES(mutex_);

  std::atomic<std::uint32_t> inside_ = 0;
  std::atomic<std::uint32_t> limit_ = kNoLimit;
  std::atomic<std::uint32_t> waiting_ = 0;  // line_.size(), written under the lock
  tls::Mutex mutex_;
  Line line_ PORTICO_GUARDED_BY(mutex_);
};

}  // namespace portico::exchange
