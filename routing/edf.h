// Turns by weight: the earliest deadline comes first (EDF).
//
//   weight 3   |──x──x──x──x──x──x──x──x──x──|   each endpoint is due once a step of 1/weight, and
//   weight 1   |────────x────────x────────x──|   begins somewhere in its first step
//                        time that goes by picks
//
// Of any picks in a row, where the weights stay as they are, each endpoint is picked once for each
// of its steps, to one pick: for any two of them, with p picks and weight w,
//
//   | p1/w1 - p2/w2 |  <  1/w1 + 1/w2
//
// which for two endpoints is within one pick of their shares.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "routing/share.h"

namespace portico::routing {

// Each worker holds one a backend, and they begin apart. O(log n) a pick; a list that is new is
// taken over in O(n log n): who was there before keeps its place, and who comes gets one by chance
// within its first step, so that nobody gets a burst.
//
// Thread: bound to its worker.
class WeightedTurns {
 public:
  explicit WeightedTurns(std::uint32_t seed = 0) : phase_(seed) {}

  // `list` tells one list of endpoints from another; one that has a former one's address is
  // noticed once the turn of somebody comes who isn't there any more. `name_at(index)` is an
  // endpoint's number for life. `share_at(index)` is its weight in thousandths, not 0, and asked
  // anew for each turn. Who is skipped (`skips(index)`) loses the turns that the others get
  // meanwhile. `count` where all are.
  template <class NameAt, class ShareAt, class Skips>
  std::size_t pick(const void* list, std::size_t count, NameAt name_at, ShareAt share_at,
                   Skips skips) {
    if (list != list_ || count != heap_.size()) {
      take_over(list, count, name_at, share_at);
    }
    auto left = count;  // behind these in the heap: who was skipped
    while (left > 0) {
      auto& first = heap_.front();
      const std::size_t index = first.index;
      if (name_at(index) != first.name) {
        take_over(list, count, name_at, share_at);
        left = count;
      } else if (skips(index)) {
        std::swap(first, heap_[--left]);
        sink(left);
      } else {
        now_ = first.due;
        first.due += step_of(share_at(index));
        sink(left);
        for (; left < count; ++left) {
          let_pass(heap_[left], step_of(share_at(heap_[left].index)));
          rise(left);
        }
        return index;
      }
    }
    std::ranges::reverse(heap_);  // the first one out is the last one, and all are in order
    return count;
  }

 private:
  struct Turn {
    std::uint64_t due;  // time wraps around: see is_before()
    std::uint32_t index;
    std::uint32_t name;
  };
  struct Comer {
    std::uint32_t name;
    std::uint64_t step;
  };

  static constexpr std::uint64_t kRound = std::uint64_t{1} << 40;  // the step of weight 1

  // No step is longer than a part in 2^10 of what wraps around.
  static std::uint64_t step_of(std::uint32_t share) {
    return kRound * kWholePart / std::max(share, 1U);
  }
  static bool is_before(const Turn& a, const Turn& b) {
    const auto ahead = static_cast<std::int64_t>(a.due - b.due);
    return ahead < 0 || (ahead == 0 && a.index < b.index);
  }

  template <class NameAt, class ShareAt>
  void take_over(const void* list, std::size_t count, NameAt name_at, ShareAt share_at) {
    std::vector<Comer> comers(count);
    for (std::size_t index = 0; index < count; ++index) {
      comers[index] = {.name = name_at(index), .step = step_of(share_at(index))};
    }
    list_ = list;
    take_over(comers);
  }
  void take_over(const std::vector<Comer>& comers);

  // To its first turn behind the current one.
  void let_pass(Turn& turn, std::uint64_t step) const {
    turn.due += ((now_ - turn.due) / step + 1) * step;
  }

  // Of the heap's first `size`, the first one to its place.
  void sink(std::size_t size) {
    const auto turn = heap_.front();
    std::size_t hole = 0;
    for (auto child = std::size_t{1}; child < size; child = 2 * hole + 1) {
      child += child + 1 < size && is_before(heap_[child + 1], heap_[child]) ? 1 : 0;
      if (!is_before(heap_[child], turn)) {
        break;
      }
      heap_[hole] = heap_[child];
      hole = child;
    }
    heap_[hole] = turn;
  }
  // The one at `hole`, behind a heap, into it.
  void rise(std::size_t hole) {
    const auto turn = heap_[hole];
    while (hole > 0 && is_before(turn, heap_[(hole - 1) / 2])) {
      heap_[hole] = heap_[(hole - 1) / 2];
      hole = (hole - 1) / 2;
    }
    heap_[hole] = turn;
  }

  std::vector<Turn> heap_;
  const void* list_ = nullptr;
  std::uint64_t now_ = 0;  // when the last one picked was due; nobody is due before
  std::uint32_t phase_;    // spreads who comes over its first step
};

}  // namespace portico::routing
