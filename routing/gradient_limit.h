// How many requests a backend is sent at once, by what that does to its latency.
//
// Below what it can do at once a backend takes as long whether it has much to do or little; above,
// requests wait for each other. So the time until an answer comes where none waits (the baseline)
// is held against what it is now:
//
//   gradient  =  1.25 * baseline / now,  between 0.5 and 1.25
//   limit     =  limit * gradient + sqrt(limit) / 2          half the way where that is less
//
// It falls only while more than a quarter of it is used, and grows while more than half is.
//
// The baseline is measured. Where no more than a quarter is used that costs nothing. Else the limit
// is halved for a moment, and again where that makes answers nearly twice as fast: every 30 s, and
// whenever it has moved by a third, if answers take longer than the baseline. That tells a backend
// that is overloaded (less makes it fast) from one that has become slow (nothing does).
//
//   following ──── due, or moved ────> settling ──── a window ────> measuring
//       ^                                  ^                            │ a window
//       └──────────────────────────────────┴────────────────────────────┘
//
// Thread: the caller's; a decider.
#pragma once

#include <chrono>
#include <cstdint>

namespace portico::routing {

class GradientLimit {
 public:
  using Clock = std::chrono::steady_clock;

  // What the requests of a while told.
  struct Window {
    double seconds = 0;                // until an answer came: the geometric mean
    std::uint32_t most_under_way = 0;  // at once
    Clock::time_point end;
  };
  // What to do with as many answers, gathered for so long: add() them, skip() them, or wait.
  // Twice as long as an answer took in the window before, so that most of them began in this one.
  enum class Verdict : std::uint8_t { kWait, kAdd, kSkip };
  [[nodiscard]] static Verdict judge(std::uint32_t answers, Clock::duration gathered,
                                     double seconds_before);

  // So that half of it is something, and a single slow request does not stop all others.
  static constexpr std::uint32_t kLeast = 3;
  static constexpr std::uint32_t kMost = 10'000;
  static constexpr std::uint32_t kFirst = 50;  // while nothing is known
  static constexpr std::chrono::seconds kMeasuredEvery{30};

  // `most`: the limit's own limit. `phase`: how far a clock that all replicas share was past a
  // multiple of kMeasuredEvery at Clock's epoch. They should measure at the same time: one that is
  // alone takes for the backend's own time what the others keep waiting there.
  explicit GradientLimit(std::uint32_t most = kMost, Clock::duration phase = {});

  [[nodiscard]] std::uint32_t limit() const;
  // Seconds that an answer takes where no request waits for another; 0: nothing is known yet.
  [[nodiscard]] double baseline() const { return baseline_; }

  void add(const Window& window);
  void skip();

 private:
  enum class State : std::uint8_t { kFollowing, kSettling, kMeasuring };

  void follow(const Window& window);
  void adjust(double seconds, bool may_grow);
  void begin_measuring(Clock::time_point now, double seconds);
  void end_measuring(double seconds);
  void follow_again();

  double most_;
  Clock::duration phase_;
  double limit_;
  double baseline_ = 0;
  double highest_ = 0, lowest_ = 0;  // the limit was, since the baseline was measured
  Clock::time_point due_;            // the next measurement
  State state_ = State::kFollowing;
  double part_ = 1;    // of the limit, while the baseline is measured
  double before_ = 0;  // seconds until an answer came when that began
};

}  // namespace portico::routing
