// Whether the API server is lost: a line when it is, a line when it is back, none a retry.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>

namespace portico::kube {

class Reflector;

// A decider.
class Outage {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Tries in vain before it counts: of one that has been heard before the first may be chance.
  static constexpr int kFailuresOnceHeard = 2;
  // A new reason is worth a line, but not more often than that.
  static constexpr std::chrono::seconds kBetweenReasons{60};

  struct Notice {
    bool is_lost = false;            // false: back
    std::string reason;              // of what is lost
    std::chrono::seconds lasted{0};  // of what is back
  };

  // Where a reflector stands now. A notice is to be logged.
  std::optional<Notice> observe(const Reflector& reflector, Time now);
  void forget(const Reflector& reflector) { failing_.erase(&reflector); }

  // Of the last call of observe(): the reflector was failing, and is answered again.
  [[nodiscard]] bool recovered() const { return recovered_; }

 private:
  std::set<const Reflector*> failing_;
  std::optional<Time> lost_since_;
  Time noticed_at_;
  std::string reason_;
  bool recovered_ = false;
};

}  // namespace portico::kube
