// What circuits did not let be done, and how much is under way in them, as metrics.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

#include "proxy/exchange/config.h"
#include "proxy/server/circuit_counts.h"

namespace portico::server {

// Of backends that have a circuit: what is under way is read from there.
void append_circuits(std::vector<prometheus::MetricFamily>& families, const CircuitCounts& counts,
                     const exchange::Config& config);

}  // namespace portico::server
