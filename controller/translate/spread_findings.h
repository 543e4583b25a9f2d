// What is to be said of annotations that Ingresses and Services share.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "controller/translate/cluster_state.h"
#include "controller/translate/ingress_record.h"
#include "routing/diagnostic.h"

namespace portico::translate {

// By what a DiagnosticTable knows idle_findings().
std::string idle_subject(const routing::ObjectRef& ingress);

// Of an Ingress's idle annotations, those that have no effect at any of its `backends` either:
// there its Service may ask for what they refine, and for a canary the main Ingress.
routing::Diagnostics idle_findings(const IngressRecord& record,
                                   std::span<const BackendName* const> backends,
                                   const ClusterState& state);

// Of a Service and its slices. `wishes` are those of the backends that it is in use for; null:
// none.
routing::Diagnostics service_findings(const kube::Service& service,
                                      const std::vector<const kube::EndpointSlice*>& slices,
                                      std::span<const BackendWish* const> wishes);

}  // namespace portico::translate
