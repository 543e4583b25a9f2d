#include "controller/translate/nearness.h"

#include <algorithm>
#include <string>
#include <vector>

namespace portico::translate {
namespace {

using Hints = std::vector<std::string> kube::SliceEndpoint::*;

bool names(const std::vector<std::string>& hints, const std::string& place) {
  return std::ranges::find(hints, place) != hints.end();
}

bool holds(std::span<const kube::SliceEndpoint* const> ready, Hints hints,
           const std::string& place) {
  return !place.empty() &&
         std::ranges::none_of(ready, [&](const auto* one) { return (one->*hints).empty(); }) &&
         std::ranges::any_of(ready, [&](const auto* one) { return names(one->*hints, place); });
}

}  // namespace

Nearness nearness(std::span<const kube::SliceEndpoint* const> ready, const Location& here) {
  if (holds(ready, &kube::SliceEndpoint::for_nodes, here.node)) {
    return Nearness::kSameNode;
  }
  return holds(ready, &kube::SliceEndpoint::for_zones, here.zone) ? Nearness::kSameZone
                                                                  : Nearness::kAny;
}

bool is_near(const kube::SliceEndpoint& endpoint, Nearness nearness, const Location& here) {
  switch (nearness) {
    case Nearness::kAny:
      return true;
    case Nearness::kSameZone:
      return names(endpoint.for_zones, here.zone);
    case Nearness::kSameNode:
      return names(endpoint.for_nodes, here.node);
  }
  __builtin_unreachable();
}

}  // namespace portico::translate
