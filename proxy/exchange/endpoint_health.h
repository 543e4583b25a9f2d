// What all workers together know of an endpoint's failures: routing/outlier.h, shared.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "proxy/exchange/config.h"
#include "routing/outlier.h"

namespace portico::exchange {

// One word, so that no lock is needed: every worker sees an ejection at its next pick. Read at each
// pick and each answer; written on failure, and by the answers that end what was counted. A line of
// its own, so that a neighbour's failures don't slow down who only reads.
//
// Thread: any.
class alignas(64) EndpointHealth {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Entry : std::uint8_t {
    kFree,     // it serves
    kClaimed,  // it was out and is due: this one request finds out how it is
    kShut,     // it is out
  };

  // `changes` is counted up whenever an endpoint is ejected, falls ill, or returns.
  explicit EndpointHealth(std::atomic<std::uint32_t>& changes) : changes_(changes) {}

  // Whether a pick should step over it: out, and nobody's turn to find out.
  [[nodiscard]] bool is_shut(Clock::time_point now) const;
  // For the endpoint that was picked. Of several that find it due, one gets kClaimed.
  [[nodiscard]] Entry enter(Clock::time_point now);

  // After each try; `let_through` where it was out and tried all the same. True where this ejects.
  bool report(routing::TryOutcome outcome, bool let_through, const routing::OutlierLimits& limits,
              Clock::time_point now);
  // For what success_rate.h found, not its last tries. False where it is out already.
  bool put_out(Clock::time_point now);
  // By who claimed it and can tell nothing of it.
  void give_up();
  // What checks of its found (proxy/checks): it is out until they say otherwise, and nobody's turn
  // to find out. By one thread; counts as a change where it is one.
  void set_ill(bool ill);
  [[nodiscard]] bool is_ill() const { return is_ill_.load(std::memory_order_relaxed); }
  // A check has seen it answer as it should: its ejection, if there is one, is over.
  void check_passed(Clock::time_point now);

  // Whether an answer has anything to end, or an ejection to remember.
  [[nodiscard]] bool has_counted() const { return word_.load(std::memory_order_relaxed) != 0; }

  // When it last came back from having been out; the clock's epoch: it never was.
  [[nodiscard]] Clock::time_point serves_since() const {
    return Clock::time_point(
        std::chrono::milliseconds(serves_since_.load(std::memory_order_relaxed)));
  }

  [[nodiscard]] routing::OutlierState state() const;
  [[nodiscard]] bool is_out() const { return is_ill() || state().is_out(); }
  // Of its table's endpoints: see EndpointHealthTable::changes().
  [[nodiscard]] std::uint32_t changes() const { return changes_.load(std::memory_order_acquire); }
  // It is another endpoint's from now on. A report on the old one that is still under way counts
  // against the new one, once.
  void reset() {
    word_.store(0, std::memory_order_relaxed);
    is_ill_.store(false, std::memory_order_relaxed);
    serves_since_.store(0, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> word_ = 0;
  std::atomic<bool> is_ill_ = false;
  std::atomic<std::int64_t> serves_since_ = 0;  // milliseconds since the clock's epoch
  std::atomic<std::uint32_t>& changes_;
};

// By EndpointId; addresses stay.
//
// Thread:    the controller's; what take() returns, any.
// Lifetime:  outlives every worker.
class EndpointHealthTable {
 public:
  // For an id that is given to an endpoint from now on.
  EndpointHealth* take(EndpointId id);

  // Differs from what it was as soon as any endpoint was ejected, fell ill, or has returned. Who
  // sees a change counted sees it in the endpoint, too, and so can wait for the next.
  [[nodiscard]] std::uint32_t changes() const { return changes_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint32_t> changes_ = 0;
  std::deque<EndpointHealth> blocks_;
};

}  // namespace portico::exchange
