// Endpoints near this replica, by the hints of EndpointSlices: what `trafficDistribution` of a
// Service (PreferClose, PreferSameZone, PreferSameNode) and topology aware routing come to.
//
// As kube-proxy reads them: https://kubernetes.io/docs/concepts/services-networking/service/
#pragma once

#include <cstdint>
#include <span>

#include "controller/kube/objects.h"
#include "controller/translate/options.h"

namespace portico::translate {

enum class Nearness : std::uint8_t {
  kAny,
  kSameZone,
  kSameNode,
};

// How near the endpoints of one Service that come first must be. Hints count only where every
// endpoint has them and one is meant for `here`: a set of hints that is half written, or that
// forgets this place, must not leave it without an endpoint.
Nearness nearness(std::span<const kube::SliceEndpoint* const> ready, const Location& here);

bool is_near(const kube::SliceEndpoint& endpoint, Nearness nearness, const Location& here);

}  // namespace portico::translate
