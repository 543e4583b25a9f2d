// The part of a Backend that session affinity goes by.
#pragma once

#include "proxy/exchange/config.h"

namespace portico::server {

// Fills `affinity` where it is asked for; the endpoints and the ring are known.
void compile_affinity(exchange::Backend& backend);

}  // namespace portico::server
