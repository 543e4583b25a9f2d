// Figures of what is read from the API server, for /metrics.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <variant>

#include "controller/kube/cluster/reflector.h"
#include "controller/kube/objects.h"

namespace portico::kube {

// Of one kind, by whatever reflectors.
struct KindFigures {
  std::size_t objects = 0;  // held
  Reflector::Tally tally;
  bool is_read = false;  // a reflector is there, or was
};

using ClusterFigures = std::array<KindFigures, std::variant_size_v<Object>>;

void add(ClusterFigures& figures, const Reflector& reflector);
// Of a reflector that goes: what it did stays counted, its objects do not.
void add_gone(ClusterFigures& figures, const Reflector& reflector);

// Prometheus text, with a sample for each kind that is read. `now` and `wall` are the same moment.
std::string to_metrics(const ClusterFigures& figures, Reflector::Time now,
                       std::chrono::system_clock::time_point wall);

}  // namespace portico::kube
