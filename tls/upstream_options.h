// How TLS is spoken to a backend, as a client's options.
#pragma once

#include "routing/snapshot.h"
#include "tls/client_context.h"

namespace portico::tls {

// Whoever checks a spec and whoever connects by it make the same context.
ClientOptions upstream_options(const routing::UpstreamTlsSpec& spec,
                               routing::BackendProtocol protocol);

}  // namespace portico::tls
