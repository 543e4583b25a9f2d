#include "routing/hash_ring.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <utility>

#include <absl/container/flat_hash_map.h>

namespace portico::routing {
namespace {

constexpr auto kNone = [](std::size_t) { return false; };

}  // namespace

// What became of the endpoints of a ring before.
struct HashRing::Change {
  std::vector<std::uint16_t> now;     // by their index before; kUnknown: gone, or weighs otherwise
  std::vector<std::uint16_t> joined;  // of those now

  // Whether to look at each slot's owner and the newcomers is less than to look at all, and little:
  // some 20 ms where all slots are known. Else they are learned anew as they are asked for.
  [[nodiscard]] bool is_small() const {
    return joined.size() <= kMostNewcomers && joined.size() < now.size() / 2;
  }
};

HashRing::HashRing(std::span<const std::string> names, std::span<const std::uint32_t> weights,
                   const HashRing* before) {
  const auto count = std::min<std::size_t>(names.size(), kUnknown);
  names_.reserve(count);
  for (const auto& name : names.first(count)) {
    names_.push_back(stable_hash(name));
  }
  if (std::ranges::adjacent_find(weights, std::not_equal_to<>()) != weights.end()) {
    scales_.reserve(count);
    for (const auto weight : weights.first(count)) {
      scales_.push_back(1.0 / weight);
    }
  }
  if (count <= (scales_.empty() ? kFew : kFewWeighted)) {
    return;
  }
  owners_ = std::make_unique<Owner[]>(kSlots);
  if (before != nullptr && before->has_table()) {
    if (const auto change = change_since(*before); change.is_small()) {
      follow(*before, change);
      return;
    }
  }
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    owners_[slot].store(kUnknown, std::memory_order_relaxed);
  }
}

std::size_t HashRing::owner_of(std::size_t slot) const {
  return best_in(slot, kNone);
}

// Whoever asks at the same time finds the same.
std::size_t HashRing::learn(std::size_t slot) const {
  const auto owner = owner_of(slot);
  owners_[slot].store(static_cast<std::uint16_t>(owner), std::memory_order_relaxed);
  return owner;
}

std::size_t HashRing::known_slots() const {
  std::size_t known = 0;
  for (std::size_t slot = 0; has_table() && slot < kSlots; ++slot) {
    known += owners_[slot].load(std::memory_order_relaxed) != kUnknown ? 1 : 0;
  }
  return known;
}

// Of numbers that are not negative the bits are in the same order.
std::uint64_t HashRing::standing(Slot slot, std::size_t endpoint) const {
  const auto its = score(slot, names_[endpoint]);
  return scales_.empty() ? its : ~std::bit_cast<std::uint64_t>(cost(its, endpoint));
}

double HashRing::cost_of(std::uint64_t standing) {
  return std::bit_cast<double>(~standing);
}

std::size_t HashRing::find_several(std::uint64_t hash, std::span<std::uint16_t> found) const {
  struct Candidate {
    std::uint64_t standing;
    std::uint16_t endpoint;
  };
  constexpr auto kBetter = [](const Candidate& a, const Candidate& b) {
    return a.standing > b.standing;
  };
  const auto wanted = std::min({found.size(), names_.size(), kMostSeveral});
  if (wanted == 0) {
    return 0;
  }
  std::array<Candidate, kMostSeveral> room;
  const auto best = std::span(room).first(wanted);  // a heap, the worst of them in front
  const auto slot = mixed(slot_of(hash));
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const Candidate next{.standing = standing(slot, i), .endpoint = static_cast<std::uint16_t>(i)};
    if (i < wanted) {
      best[i] = next;
      std::ranges::push_heap(best.first(i + 1), kBetter);
    } else if (kBetter(next, best.front())) {
      std::ranges::pop_heap(best, kBetter);
      best.back() = next;
      std::ranges::push_heap(best, kBetter);
    }
  }
  std::ranges::sort_heap(best, kBetter);
  std::ranges::transform(best, found.begin(), &Candidate::endpoint);
  return wanted;
}

// Where all weight alike it does not matter how much.
HashRing::Change HashRing::change_since(const HashRing& before) const {
  const bool weights_count = !scales_.empty() || !before.scales_.empty();
  const auto scale_in = [weights_count](const HashRing& ring, std::size_t index) {
    return weights_count && !ring.scales_.empty() ? ring.scales_[index] : 1.0;
  };
  Change change{.now = std::vector<std::uint16_t>(before.names_.size(), kUnknown), .joined = {}};
  absl::flat_hash_map<std::uint64_t, std::uint16_t> indexes;
  for (std::size_t i = 0; i < before.names_.size(); ++i) {
    indexes.emplace(before.names_[i], static_cast<std::uint16_t>(i));
  }
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const auto index = static_cast<std::uint16_t>(i);
    const auto found = indexes.find(names_[i]);
    if (found != indexes.end() && scale_in(before, found->second) == scale_in(*this, i)) {
      change.now[found->second] = index;
    } else {
      change.joined.push_back(index);
    }
  }
  return change;
}

// The owner so far, or the newcomer that is better.
std::uint16_t HashRing::best_of(std::size_t slot, std::uint16_t owner,
                                std::span<const std::uint16_t> newcomers) const {
  const auto mixed_slot = mixed(slot);
  auto highest = standing(mixed_slot, owner);
  for (const auto newcomer : newcomers) {
    if (!scales_.empty() &&
        cost_bound(score(mixed_slot, names_[newcomer]), newcomer) >= cost_of(highest)) {
      continue;  // nearly always
    }
    if (const auto its = standing(mixed_slot, newcomer); its > highest) {
      highest = its;
      owner = newcomer;
    }
  }
  return owner;
}

void HashRing::follow(const HashRing& before, const Change& change) {
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    const auto owner_before = before.owners_[slot].load(std::memory_order_relaxed);
    auto owner = owner_before == kUnknown ? kUnknown : change.now[owner_before];
    if (owner != kUnknown && !change.joined.empty()) {
      owner = best_of(slot, owner, change.joined);
    }
    owners_[slot].store(owner, std::memory_order_relaxed);
  }
}

}  // namespace portico::routing
