// Whether a host's TLS connections go to its backend unopened.
#pragma once

#include <span>

#include "controller/translate/ingress_record.h"
#include "routing/diagnostic.h"
#include "routing/snapshot.h"

namespace portico::translate {

// Sets spec.ssl_passthrough, where any Ingress of the host asks for it, `enabled` says that it is
// served at all, the host has a "/" whose backend takes them, and spec.tls demands nothing of
// clients that could not be looked at. What stands against it is told.
routing::Diagnostics decide_passthrough(routing::HostSpec& spec,
                                        std::span<const IngressRecord* const> records,
                                        bool enabled);

}  // namespace portico::translate
