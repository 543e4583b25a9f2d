// What Services and EndpointSlices ask for by annotations `portico.dev/...`. Other prefixes there,
// ingress-nginx's included, are nobody's business: it reads none of Services.
#pragma once

#include <cstdint>
#include <vector>

#include "controller/kube/objects.h"
#include "controller/translate/annotations.h"
#include "controller/translate/backend_wish.h"
#include "routing/diagnostic.h"

namespace portico::translate {

struct ServiceReading {
  std::vector<Asked> asked;  // by name
  routing::Diagnostics findings;
};
ServiceReading read_service(const kube::Service& service);

// That it refines what neither the Service nor an Ingress that uses it asks for.
routing::Diagnostic idle_on_service(const kube::Service& service, const Asked& asked);

inline constexpr std::string_view kWeight = "weight";

// The share of each of the slice's endpoints beside others': 1 where it says nothing, or nothing
// that can be read.
std::uint32_t slice_weight(const kube::EndpointSlice& slice);

routing::Diagnostics check_slice_annotations(const kube::EndpointSlice& slice);

}  // namespace portico::translate
