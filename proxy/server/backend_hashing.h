// The part of a Backend that consistent hashing and affinity go by.
#pragma once

#include <string>
#include <vector>

#include "proxy/exchange/config.h"

namespace portico::server {

// By what hashing and affinity know a backend's endpoints, in their order: addresses with ports.
// Where there are two lists, both have the same.
std::vector<std::string> endpoint_names(const exchange::Backend& backend);

// Fills `ring` and `hash_key` where they are asked for; the endpoints are known. `before` is the
// same backend's version before this one, null where there is none: its ring is shared where the
// endpoints are the same, and made over into the new one where they are many.
//
// Cost:      see routing::HashRing: microseconds with few endpoints.
void compile_hashing(exchange::Backend& backend, const exchange::Backend* before);

}  // namespace portico::server
