// A Service port, joined with its EndpointSlices.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "controller/kube/objects.h"
#include "controller/translate/ingress_record.h"
#include "controller/translate/options.h"
#include "routing/snapshot.h"

namespace portico::translate {

struct BackendParts {
  const kube::Service* service = nullptr;  // null: there is none
  std::vector<const kube::EndpointSlice*> slices;
  // Of an ExternalName Service: what its name resolves to.
  std::span<const std::string> external_addresses;
  Location here;
  bool service_upstream = false;  // wants the Service's own address
};

// Endpoints: those of TCP slice ports that bear the Service port's name, in every slice; ready
// ones, and where none is ready, terminating ones that still serve. Near ones first, where the
// slices' hints tell them from far ones; else sorted, without duplicates.
//
// Where service_upstream is wanted, its cluster IP is the one endpoint; a headless Service has
// none, and keeps its endpoints.
//
// No Service or no such port fills missing_because. A Service without endpoints is not missing: it
// has none.
routing::BackendSpec build_backend(const BackendName& name, const BackendParts& parts);

// The TCP port that a rule's text names or numbers, "" being the first; null where there is none.
const kube::ServicePort* find_port(const kube::Service& service, std::string_view text);

bool is_external_name(const kube::Service& service);
// Not of headless ones.
bool has_cluster_ip(const kube::Service& service);
bool is_tcp(std::string_view protocol);
// Textual IPv4 or IPv6, without brackets or zone.
bool is_ip_address(const std::string& text);
bool is_ready(const kube::EndpointConditions& conditions);

}  // namespace portico::translate
