// Consistent hashing: which endpoint a key belongs to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace portico::routing {

// Maglev's table (Eisenbud et al., NSDI 2016): endpoints take turns to claim a place, each in an
// order of its own that follows from its name.
//
//   even      no endpoint has more than one place more than another: with 1,000 of them 65 or 66
//   steady    where one of many leaves, its keys move, and few others
//   alike     the same names in the same order make the same table, on any replica
//
// The size never changes: with another one nearly every key would belong to another endpoint.
//
// Thread:    immutable.
// Memory:    128 KiB.
class HashRing {
 public:
  static constexpr std::size_t kPlaces = 65'537;  // a prime

  // At most 65,535 are counted. `names` differ from each other.
  explicit HashRing(std::span<const std::string> names);

  [[nodiscard]] std::size_t endpoints() const { return endpoints_; }

  // The index of the endpoint that `hash` belongs to; there is at least one.
  [[nodiscard]] std::size_t at(std::uint64_t hash) const { return places_[hash % kPlaces]; }

  // The first that is not skipped, from the key's own place on: its own one, then always the same
  // next one. endpoints() where all are skipped.
  template <class Skips>
  [[nodiscard]] std::size_t find(std::uint64_t hash, Skips skips) const {
    for (std::size_t step = 0, place = hash % kPlaces; step < patience(); ++step) {
      if (const std::size_t found = places_[place]; !skips(found)) {
        return found;
      }
      place = place + 1 == kPlaces ? 0 : place + 1;
    }
    return find_slowly(hash, skips);
  }

  // The key's own endpoint and the next different ones: as many as there is room for, or are. How
  // many were written.
  std::size_t find_several(std::uint64_t hash, std::span<std::uint16_t> found) const;

 private:
  // Places among which nearly every endpoint is found.
  [[nodiscard]] std::size_t patience() const {
    return std::size_t{16} * endpoints_ < kPlaces ? 16 * endpoints_ : kPlaces;
  }
  // Where next to all are skipped.
  template <class Skips>
  [[nodiscard]] std::size_t find_slowly(std::uint64_t hash, Skips skips) const {
    for (std::size_t step = 0; step < endpoints_; ++step) {
      if (const auto found = (hash + step) % endpoints_; !skips(found)) {
        return found;
      }
    }
    return endpoints_;
  }

  std::size_t endpoints_;
  std::vector<std::uint16_t> places_;
};

}  // namespace portico::routing
