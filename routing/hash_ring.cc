#include "routing/hash_ring.h"

#include <algorithm>
#include <limits>

#include "routing/stable_hash.h"

namespace portico::routing {
namespace {

constexpr std::uint16_t kFree = std::numeric_limits<std::uint16_t>::max();

// The order in which an endpoint wants the places: every one once, since their number is a prime.
struct Wish {
  std::uint32_t place;
  std::uint32_t step;

  explicit Wish(std::string_view name)
      : place(static_cast<std::uint32_t>(stable_hash(name) % HashRing::kPlaces)),
        step(static_cast<std::uint32_t>(
            StableHash().add(name).add("/step").value() % (HashRing::kPlaces - 1) + 1)) {}

  void go_on() {
    place += step;
    if (place >= HashRing::kPlaces) {
      place -= HashRing::kPlaces;
    }
  }
};

}  // namespace

HashRing::HashRing(std::span<const std::string> names)
    : endpoints_(std::min<std::size_t>(names.size(), kFree)), places_(kPlaces, kFree) {
  std::vector<Wish> wishes(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(endpoints_));
  for (std::size_t taken = 0; taken < kPlaces && endpoints_ > 0;) {
    for (std::size_t i = 0; i < endpoints_ && taken < kPlaces; ++i, ++taken) {
      auto& wish = wishes[i];
      while (places_[wish.place] != kFree) {
        wish.go_on();
      }
      places_[wish.place] = static_cast<std::uint16_t>(i);
    }
  }
}

std::size_t HashRing::find_several(std::uint64_t hash, std::span<std::uint16_t> found) const {
  const auto wanted = std::min(found.size(), endpoints_);
  std::size_t count = 0;
  while (count < wanted) {
    const auto so_far = found.first(count);
    const auto next = find(hash, [so_far](std::size_t candidate) {
      return std::ranges::find(so_far, candidate) != so_far.end();
    });
    found[count++] = static_cast<std::uint16_t>(next);
  }
  return count;
}

}  // namespace portico::routing
