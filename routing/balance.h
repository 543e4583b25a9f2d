// Which of a backend's endpoints comes next: each strategy decides by numbers alone.
//
// `skips(index)` says which endpoints are out of the question: tried already, or ejected. Where
// all of them are, the answer is `count`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace portico::routing {

// Lots to draw. Good enough to spread load, and no secret (SplitMix64).
//
// Thread: bound to its worker, which seeds it.
class Lots {
 public:
  explicit Lots(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    auto mixed = state_ += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  // Below `count`, which is neither 0 nor beyond 32 bits.
  std::size_t below(std::size_t count) { return ((next() >> 32) * count) >> 32; }

 private:
  std::uint64_t state_;
};

// Even turns: of any `count` picks in a row each endpoint gets one, also while others come and go:
// it goes on behind the one picked last, wherever that stands now.
//
// Each worker holds one a backend, and they begin apart, so that workers don't meet at the same
// endpoint.
//
// Thread: bound to its worker.
class RoundRobin {
 public:
  // Begins where `seed` is among all numbers of its type: any number of endpoints spreads as they
  // do.
  explicit RoundRobin(std::uint32_t seed = 0) : last_(seed) {}

  // `name_at(index)` is an endpoint's number for life. `count` is not 0.
  template <class NameAt, class Skips>
  std::size_t pick(std::size_t count, NameAt name_at, Skips skips) {
    auto index = next(count, name_at);
    for (std::size_t step = 0; step < count; ++step) {
      if (!skips(index)) {
        last_ = index;
        name_ = name_at(index);
        has_begun_ = true;
        return index;
      }
      index = index + 1 == count ? 0 : index + 1;
    }
    return count;
  }

 private:
  template <class NameAt>
  std::size_t next(std::size_t count, NameAt name_at) const {
    if (!has_begun_) {
      return (std::uint64_t{last_} * count) >> 32;
    }
    if (last_ < count && name_at(last_) == name_) {
      return last_ + 1 == count ? 0 : last_ + 1;
    }
    for (std::size_t index = 0; index < count; ++index) {
      if (name_at(index) == name_) {
        return index + 1 == count ? 0 : index + 1;
      }
    }
    return last_ < count ? last_ : 0;  // it is gone, and who followed it has its place
  }

  std::size_t last_;  // index; before the first pick, the seed
  std::uint32_t name_ = 0;
  bool has_begun_ = false;
};

// Any one, all of them alike.
template <class Skips>
std::size_t pick_random(std::size_t count, Lots& lots, Skips skips) {
  constexpr int kDraws = 8;
  for (int draw = 0; draw < kDraws; ++draw) {
    if (const auto index = lots.below(count); !skips(index)) {
      return index;
    }
  }
  auto index = lots.below(count);  // few are left
  for (std::size_t step = 0; step < count; ++step) {
    if (!skips(index)) {
      return index;
    }
    index = index + 1 == count ? 0 : index + 1;
  }
  return count;
}

// Two different ones, in no order; the same one twice where only one is left.
template <class Skips>
std::array<std::size_t, 2> pick_two(std::size_t count, Lots& lots, Skips skips) {
  const auto first = pick_random(count, lots, skips);
  if (first == count || count == 1) {
    return {first, first};
  }
  // One of the others: drawn from those behind the first, around the corner.
  const auto other = [first, count](std::size_t distance) {
    const auto index = first + 1 + distance;
    return index < count ? index : index - count;
  };
  const auto second =
      pick_random(count - 1, lots, [&](std::size_t distance) { return skips(other(distance)); });
  return {first, second == count - 1 ? first : other(second)};
}

}  // namespace portico::routing
