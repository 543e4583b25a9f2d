#include "routing/edf.h"

namespace portico::routing {
namespace {

constexpr std::uint32_t kPhaseStep = 0x9E3779B9;  // the golden ratio: any number of them spreads

}  // namespace

void WeightedTurns::take_over(const std::vector<Comer>& comers) {
  auto before = std::move(heap_);
  std::ranges::sort(before, {}, &Turn::name);
  heap_.clear();
  heap_.reserve(comers.size());
  for (const auto& comer : comers) {
    auto wait = comer.step;
    const auto found = std::ranges::lower_bound(before, comer.name, {}, &Turn::name);
    if (found != before.end() && found->name == comer.name) {
      wait = std::min(found->due - now_, comer.step);
    } else {
      phase_ += kPhaseStep;
      wait = (comer.step >> 16) * (phase_ >> 16);
    }
    heap_.push_back({.due = now_ + wait,
                     .index = static_cast<std::uint32_t>(heap_.size()),
                     .name = comer.name});
  }
  std::ranges::make_heap(heap_, [](const Turn& a, const Turn& b) { return is_before(b, a); });
}

}  // namespace portico::routing
