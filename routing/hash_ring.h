// Consistent hashing: which endpoint a key belongs to.
#pragma once

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "routing/stable_hash.h"

namespace portico::routing {

// Rendezvous hashing (Thaler and Ravishankar, 1996). A key falls into one of kSlots slots, and a
// slot belongs to the endpoint that scores best there, which follows from the slot and the
// endpoint's name and weight alone:
//
//   steady    where an endpoint goes its keys move, and where one comes those that it gets; no
//             others
//   alike     the same endpoints give the same answers on any replica, in any order, whatever came
//             and went before
//   even      shares are as their weights, but for chance: on average that of one among 100
//             endpoints is off by 2 %, of 1,000 by 6 %
//
// With few endpoints the best one is computed at each question; with more, at the first question
// for a slot, and remembered in a table. The answers are the same.
//
// Thread:    any; what the table says of a slot never changes once it says something.
// Memory:    8 bytes an endpoint, 16 where weights differ; with a table 512 KiB more.
class HashRing {
 public:
  static constexpr int kSlotBits = 18;
  static constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;
  // Up to as many there is no table: a choice takes less than 100 ns all the same.
  static constexpr std::size_t kFew = 48;
  static constexpr std::size_t kFewWeighted = 4;  // where weights differ
  static constexpr std::size_t kMostSeveral = 64;
  static constexpr std::size_t kMostNewcomers = 64;  // that a table is taken over with

  // At most 65,535 are counted. `names` differ from each other. `weights` are by name, from 1 on;
  // none: all alike. `before` only makes it faster: its table serves for what has not changed.
  explicit HashRing(std::span<const std::string> names, std::span<const std::uint32_t> weights = {},
                    const HashRing* before = nullptr);

  [[nodiscard]] std::size_t endpoints() const { return names_.size(); }
  [[nodiscard]] bool has_table() const { return owners_ != nullptr; }
  // Of the table's slots, those that were asked for or taken over.
  [[nodiscard]] std::size_t known_slots() const;

  // The index of the endpoint that `hash` belongs to; there is at least one.
  [[nodiscard]] std::size_t at(std::uint64_t hash) const {
    const auto slot = slot_of(hash);
    if (!has_table()) {
      return owner_of(slot);
    }
    const auto owner = owners_[slot].load(std::memory_order_relaxed);
    return owner != kUnknown ? owner : learn(slot);
  }

  // The best one that is not skipped: the key's own, then always the same next one. endpoints()
  // where all are skipped.
  template <class Skips>
  [[nodiscard]] std::size_t find(std::uint64_t hash, Skips skips) const {
    if (names_.empty()) {
      return 0;
    }
    if (const auto own = at(hash); !skips(own)) {
      return own;
    }
    return best_in(slot_of(hash), skips);
  }

  // The key's own endpoint and the next best ones: as many as there is room for, or are, and at
  // most kMostSeveral. How many were written.
  std::size_t find_several(std::uint64_t hash, std::span<std::uint16_t> found) const;

 private:
  using Slot = std::uint64_t;  // mixed, as the scores want it

  struct Change;
  using Owner = std::atomic<std::uint16_t>;  // its index, or kUnknown

  static constexpr std::uint16_t kUnknown = std::numeric_limits<std::uint16_t>::max();

  static constexpr std::size_t slot_of(std::uint64_t hash) { return hash >> (64 - kSlotBits); }
  static constexpr Slot mixed(std::size_t slot) { return mix_bits(slot + 1); }

  // Of one endpoint in one slot, evenly spread over all numbers but 0.
  static constexpr std::uint64_t score(Slot slot, std::uint64_t name) {
    auto mixed = (slot ^ name) * 0x9fb21c651e98df25;
    mixed ^= mixed >> 32;
    return (mixed * 0xc4ceb9fe1a85ec53) | 1;
  }
  // As a share of 1, between 0 and 1.
  static double share(std::uint64_t score) {
    return (static_cast<double>(score >> 11) + 0.5) * 0x1p-53;
  }
  // Where weights differ, the lowest cost wins: -ln(share) / weight, which gives each endpoint a
  // part as large as its weight. The bound is never above it, and needs no logarithm.
  [[nodiscard]] double cost(std::uint64_t score, std::size_t endpoint) const {
    return -std::log(share(score)) * scales_[endpoint];
  }
  [[nodiscard]] double cost_bound(std::uint64_t score, std::size_t endpoint) const {
    return (1 - share(score)) * scales_[endpoint];
  }

  template <class Skips>
  [[nodiscard]] std::size_t best_in(std::size_t slot, Skips skips) const {
    return scales_.empty() ? best_by_score(mixed(slot), skips) : best_by_cost(mixed(slot), skips);
  }
  template <class Skips>
  [[nodiscard]] std::size_t best_by_score(Slot slot, Skips skips) const {
    auto best = names_.size();
    std::uint64_t highest = 0;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (const auto its = score(slot, names_[i]); its > highest && !skips(i)) {
        highest = its;
        best = i;
      }
    }
    return best;
  }
  template <class Skips>
  [[nodiscard]] std::size_t best_by_cost(Slot slot, Skips skips) const {
    auto best = names_.size();
    auto lowest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto its = score(slot, names_[i]);
      if (cost_bound(its, i) >= lowest) {
        continue;  // nearly always
      }
      if (const auto price = cost(its, i); price < lowest && !skips(i)) {
        lowest = price;
        best = i;
      }
    }
    return best;
  }

  [[nodiscard]] std::size_t owner_of(std::size_t slot) const;
  // The higher, the better.
  [[nodiscard]] std::uint64_t standing(Slot slot, std::size_t endpoint) const;
  static double cost_of(std::uint64_t standing);  // where weights differ
  [[nodiscard]] Change change_since(const HashRing& before) const;
  std::size_t learn(std::size_t slot) const;
  [[nodiscard]] std::uint16_t best_of(std::size_t slot, std::uint16_t owner,
                                      std::span<const std::uint16_t> newcomers) const;
  void follow(const HashRing& before, const Change& change);

  std::vector<std::uint64_t> names_;  // hashed
  std::vector<double> scales_;        // 1 / weight; empty: all alike
  std::unique_ptr<Owner[]> owners_;   // by slot; null: computed whenever asked for
};

}  // namespace portico::routing
