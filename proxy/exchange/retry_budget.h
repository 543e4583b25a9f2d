// How many tries again a backend's endpoints may be asked for, so that retries never multiply an
// outage.
//
//   full: 50 tokens.  A success earns a fifth of one.  A try again of what was sent spends one.
//
// Where every endpoint fails there are thus at most 1.2 tries a request once the reserve is spent.
//
// Thread:    shared by all workers: relaxed atomics, on a cache line of its own. While it is full,
//            which is always as long as nothing fails, it is only read.
// Lifetime:  of the table that the controller's thread keeps; longer than every worker.
#pragma once

#include <atomic>
#include <cstdint>

namespace portico::exchange {

class alignas(64) RetryBudget {
 public:
  static constexpr std::int32_t kTokens = 50;
  static constexpr std::int32_t kSuccessesForOne = 5;

  void earn() {
    auto fifths = fifths_.load(std::memory_order_relaxed);
    while (fifths < kFull &&
           !fifths_.compare_exchange_weak(fifths, fifths + 1, std::memory_order_relaxed)) {
    }
  }

  // False where there is none to spend.
  [[nodiscard]] bool spend() {
    auto fifths = fifths_.load(std::memory_order_relaxed);
    while (fifths >= kSuccessesForOne) {
      if (fifths_.compare_exchange_weak(fifths, fifths - kSuccessesForOne,
                                        std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // It is another backend's from now on.
  void refill() { fifths_.store(kFull, std::memory_order_relaxed); }

 private:
  static constexpr std::int32_t kFull = kTokens * kSuccessesForOne;

  std::atomic<std::int32_t> fifths_{kFull};
};

}  // namespace portico::exchange
