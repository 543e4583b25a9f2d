// Which endpoint of a backend fails far more of its tries than the others do. Failures in a row
// (outlier.h) do not catch one that fails every third.
//
// Each endpoint is compared with all others together. What a mean and a deviation over all of them
// would say is no use where there are three: the one that fails moves both.
//
//   far more   its share of failures is 5 points above the others', and twice theirs
//   no chance  were all alike, each failure would be an endpoint's with the probability q that a
//              try is. That x of F failures are its, has at most the probability
//                exp(−F · (x/F · ln(x/F / q) + (1 − x/F) · ln((1 − x/F) / (1 − q))))
//              (Hoeffding 1963, also without replacement), whatever share of all tries fails. It
//              has to be so small that in ten seconds of looks at all endpoints of a backend that
//              are alike one is put out with a probability below a millionth.
//
// That holds where chance decides which tries an endpoint gets, and not what is asked for.
//
// Pure: the caller says what came, and how much time goes by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <absl/functional/function_ref.h>

namespace portico::routing {

struct TryCount {
  std::uint64_t tries = 0;
  std::uint64_t failures = 0;

  TryCount& operator+=(const TryCount& other) {
    tries += other.tries;
    failures += other.failures;
    return *this;
  }
  [[nodiscard]] double failing() const {
    return tries == 0 ? 0 : static_cast<double>(failures) / static_cast<double>(tries);
  }
};

// The natural logarithm of a bound on the probability that chance gives `one` so many of all
// failures; 0 where it has no more than its part.
[[nodiscard]] double log_chance(const TryCount& one, const TryCount& others);

// Of one backend's endpoints. Looks at the last two seconds, ten seconds and the last minute, each
// as half of it and what is begun of the other half: the first for what breaks suddenly, the last
// for backends that are asked little.
//
// Thread: bound to its owner's.
class SuccessRates {
 public:
  static constexpr std::size_t kLooksPerSecond = 2;

  struct Outlier {
    std::size_t endpoint = 0;
    double failing = 0;         // its share
    double others_failing = 0;  // theirs
  };

  // These are the endpoints, by their numbers for life; of those that were, what is known stays.
  void set_endpoints(std::span<const std::uint32_t> names);
  [[nodiscard]] std::span<const std::uint32_t> endpoints() const { return names_; }

  // Since the last look, by index.
  void add(std::size_t endpoint, const TryCount& count);

  // Once each 1 / kLooksPerSecond. The worst one that is to be put out, if any; then all is
  // forgotten but who is there: the others' tries are others from then on. `is_out` are those that
  // are: they are not compared, and what they did before is forgotten. At least half of all stay
  // in.
  using IsOut = absl::FunctionRef<bool(std::size_t)>;
  [[nodiscard]] std::optional<Outlier> look(IsOut is_out);

  // Nothing has failed for a minute: there is nothing to look at.
  [[nodiscard]] bool is_idle() const { return looks_without_failure_ > kLongest; }

 private:
  static constexpr std::array<std::size_t, 3> kWindows{2 * kLooksPerSecond, 10 * kLooksPerSecond,
                                                       60 * kLooksPerSecond};  // in looks
  static constexpr std::size_t kLongest = kWindows.back();

  struct Window {
    TryCount now;
    TryCount before;
    [[nodiscard]] TryCount sum() const { return TryCount(now) += before; }
  };
  using Windows = std::array<Window, kWindows.size()>;

  [[nodiscard]] std::optional<Outlier> find(std::size_t window) const;
  void pass();

  std::vector<std::uint32_t> names_;
  std::vector<Windows> windows_;  // by endpoint
  std::vector<char> is_out_;      // the same, at this look
  std::size_t looks_ = 0;
  std::size_t looks_without_failure_ = 0;
};

}  // namespace portico::routing
