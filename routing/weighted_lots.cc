#include "routing/weighted_lots.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace portico::routing {

// A weight of `total` fills its place to the brim when it is multiplied by how many there are. Each
// place that isn't full is filled up by one that overflows (Vose).
WeightTable::WeightTable(std::span<const std::uint32_t> weights) {
  if (std::ranges::adjacent_find(weights, std::not_equal_to()) == weights.end()) {
    return;
  }
  const auto total = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  const auto count = static_cast<std::uint32_t>(weights.size());
  std::vector<std::uint64_t> filled(count);
  std::vector<std::uint32_t> scant;
  std::vector<std::uint32_t> full;
  for (std::uint32_t index = 0; index < count; ++index) {
    filled[index] = std::uint64_t{weights[index]} * count;
    (filled[index] < total ? scant : full).push_back(index);
  }
  places_.resize(count);
  while (!scant.empty()) {
    const auto poor = scant.back();
    const auto rich = full.back();  // there is one: together they fill all places
    scant.pop_back();
    places_[poor] = {
        .own = static_cast<std::uint32_t>((static_cast<double>(filled[poor]) / total) * 0x1p32 - 1),
        .other = rich};
    filled[rich] -= total - filled[poor];
    if (filled[rich] < total) {
      full.pop_back();
      scant.push_back(rich);
    }
  }
  for (const auto index : full) {
    places_[index] = {.own = UINT32_MAX, .other = index};
  }
}

}  // namespace portico::routing
