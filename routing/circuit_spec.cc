#include "routing/circuit_spec.h"

namespace portico::routing {

CircuitSpec CircuitSpec::or_else(const CircuitSpec& other) const {
  const auto first = [](const auto& here, const auto& there) { return here ? here : there; };
  return {.max_connections = first(max_connections, other.max_connections),
          .max_requests = first(max_requests, other.max_requests),
          .max_pending = first(max_pending, other.max_pending),
          .max_retries = first(max_retries, other.max_retries),
          .queue_timeout = first(queue_timeout, other.queue_timeout),
          .adaptive = first(adaptive, other.adaptive)};
}

}  // namespace portico::routing
