#include "controller/status/addresses.h"

#include <algorithm>
#include <arpa/inet.h>
#include <tuple>

namespace portico::status {
namespace {

bool is_ip(const std::string& text) {
  in6_addr bytes{};
  return inet_pton(AF_INET, text.c_str(), &bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &bytes) == 1;
}

Addresses ips(const std::vector<std::string>& texts) {
  Addresses addresses;
  for (const auto& text : texts) {
    addresses.push_back({.ip = text});
  }
  return addresses;
}

Addresses cluster_address(const kube::Service& service) {
  if (service.cluster_ip.empty() || service.cluster_ip == "None") {
    return {};
  }
  return {{.ip = service.cluster_ip}};
}

Addresses load_balancer_addresses(const kube::Service& service) {
  auto addresses = ips(service.external_ips);
  for (const auto& entry : service.load_balancer) {
    if (!entry.ip.empty()) {
      addresses.push_back({.ip = entry.ip});
    } else if (!entry.hostname.empty()) {
      addresses.push_back({.hostname = entry.hostname});
    }
  }
  return addresses;
}

}  // namespace

Addresses normalized(Addresses addresses) {
  const auto key = [](const kube::LoadBalancerAddress& address) {
    return std::tie(address.hostname, address.ip);
  };
  std::ranges::sort(addresses, {}, key);
  const auto twice = std::ranges::unique(addresses);
  addresses.erase(twice.begin(), twice.end());
  return addresses;
}

bool same_addresses(const Addresses& a, const Addresses& b) {
  return a.size() == b.size() && normalized(a) == normalized(b);
}

kube::LoadBalancerAddress parse_address(std::string text) {
  if (is_ip(text)) {
    return {.ip = std::move(text)};
  }
  return {.hostname = std::move(text)};
}

Addresses service_addresses(const kube::Service& service) {
  if (service.type == "LoadBalancer") {
    return normalized(load_balancer_addresses(service));
  }
  if (service.type == "ExternalName") {
    return service.external_name.empty() ? Addresses{}
                                         : Addresses{{.hostname = service.external_name}};
  }
  if (service.type == "NodePort" && !service.external_ips.empty()) {
    return normalized(ips(service.external_ips));
  }
  return cluster_address(service);
}

std::string to_string(const Addresses& addresses) {
  std::string text;
  for (const auto& address : addresses) {
    text += text.empty() ? "" : ", ";
    text += address.ip.empty() ? address.hostname : address.ip;
  }
  return text.empty() ? "none" : text;
}

}  // namespace portico::status
