// Endpoints drawn by lot, each as often as its weight says.
//
// `weight_at(index)` is an endpoint's weight, `part_at(index)` how much of it counts now (share.h),
// and `skips(index)` says which are out of the question. Where all of them are, the answer is
// `count`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "routing/balance.h"
#include "routing/share.h"

namespace portico::routing {

// Draws by weight in the same time for any number of endpoints and any weights (Walker's alias
// method): each has a place, all places are as likely, and what a light one leaves of its place
// belongs to a heavy one.
//
// Thread: immutable.
class WeightTable {
 public:
  WeightTable() = default;
  // None is 0, and there are fewer than 2^32 / 1000.
  explicit WeightTable(std::span<const std::uint32_t> weights);

  // All weigh the same.
  [[nodiscard]] bool is_even() const { return places_.empty(); }

  // One of `count`, which is not 0, and that of the weights unless they are even.
  [[nodiscard]] std::size_t draw(std::size_t count, Lots& lots) const {
    if (places_.empty()) {
      return lots.below(count);
    }
    const auto lot = lots.next();
    const auto index = static_cast<std::size_t>(((lot >> 32) * count) >> 32);
    const auto& place = places_[index];
    return static_cast<std::uint32_t>(lot) <= place.own ? index : place.other;
  }

 private:
  struct Place {
    std::uint32_t own;    // the lots up to this one, of 2^32, are the place's own
    std::uint32_t other;  // whose the rest are
  };
  std::vector<Place> places_;
};

// As pick_by_weight(), by looking at every one. Shares are looked at twice, and others may change
// them meanwhile: where they shrink, the last one that has any takes what is left.
template <class WeightAt, class PartAt, class Skips>
std::size_t pick_by_weight_exactly(std::size_t count, Lots& lots, WeightAt weight_at,
                                   PartAt part_at, Skips skips) {
  const auto share_at = [&](std::size_t index) {
    return skips(index) ? 0 : std::uint64_t{weight_at(index)} * part_at(index);
  };
  std::uint64_t total = 0;
  for (std::size_t index = 0; index < count; ++index) {
    total += share_at(index);
  }
  if (total == 0) {
    return count;
  }
  auto lot = lots.next() % total;  // of 64 bits: what the remainder prefers is not felt
  auto last = count;
  for (std::size_t index = 0; index < count; ++index) {
    const auto share = share_at(index);
    if (lot < share) {
      return index;
    }
    lot -= share;
    last = share != 0 ? index : last;
  }
  return last;
}

// Any one. Who is skipped or new is drawn as if it weren't, and then turned down as often as it
// must be; where that goes on for too long, all are looked at.
template <class WeightAt, class PartAt, class Skips>
std::size_t pick_by_weight(std::size_t count, const WeightTable& table, Lots& lots,
                           WeightAt weight_at, PartAt part_at, Skips skips) {
  constexpr int kDraws = 16;
  for (int draw = 0; draw < kDraws; ++draw) {
    const auto index = table.draw(count, lots);
    if (skips(index)) {
      continue;
    }
    if (const auto part = part_at(index); part == kWholePart || lots.below(kWholePart) < part) {
      return index;
    }
  }
  return pick_by_weight_exactly(count, lots, weight_at, part_at, skips);
}

// Two different ones, the first by its weight among all, the second by its weight among the others;
// the same one twice where only one is left.
template <class WeightAt, class PartAt, class Skips>
std::array<std::size_t, 2> pick_two_by_weight(std::size_t count, const WeightTable& table,
                                              Lots& lots, WeightAt weight_at, PartAt part_at,
                                              Skips skips) {
  const auto first = pick_by_weight(count, table, lots, weight_at, part_at, skips);
  if (first == count || count == 1) {
    return {first, first};
  }
  const auto second =
      pick_by_weight(count, table, lots, weight_at, part_at,
                     [&](std::size_t index) { return index == first || skips(index); });
  return {first, second == count ? first : second};
}

}  // namespace portico::routing
