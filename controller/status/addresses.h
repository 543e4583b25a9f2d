// The addresses that go into an Ingress's status.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/objects.h"

namespace portico::status {

// Sorted by host name, then IP; none twice.
using Addresses = std::vector<kube::LoadBalancerAddress>;

Addresses normalized(Addresses addresses);
// In whatever order each stands.
bool same_addresses(const Addresses& a, const Addresses& b);

// An IP address or a host name.
kube::LoadBalancerAddress parse_address(std::string text);

// What --publish-service's Service publishes, by its type, as ingress-nginx has it:
//   LoadBalancer   its status (of an entry with both, the IP), and its external IPs
//   NodePort       its external IPs, else its cluster IP
//   ClusterIP      its cluster IP (a headless one has none)
//   ExternalName   that name
Addresses service_addresses(const kube::Service& service);

// "10.0.0.1, lb.example.com", for the log
std::string to_string(const Addresses& addresses);

}  // namespace portico::status
