#include "controller/translate/backend_build.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "controller/translate/nearness.h"
#include "controller/translate/service_annotations.h"

namespace portico::translate {
namespace {

using routing::BackendSpec;
using routing::EndpointSpec;

std::optional<std::int32_t> port_number(std::string_view text) {
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && number > 0 && number <= 65535 ? std::optional(number) : std::nullopt;
}

std::string listed_ports(const kube::Service& service) {
  std::string text;
  for (const auto& port : service.ports) {
    text += text.empty() ? "" : ", ";
    text += port.name.empty() ? std::to_string(port.port)
                              : fmt::format("{} ({})", port.name, port.port);
    if (!is_tcp(port.protocol)) {
      text += " " + port.protocol;
    }
  }
  return text.empty() ? "none" : text;
}

bool still_serves(const kube::EndpointConditions& conditions) {
  return conditions.terminating.value_or(false) && conditions.serving.value_or(true);
}

// An address, and the endpoint that it is one of.
struct Candidate {
  EndpointSpec spec;
  const kube::SliceEndpoint* endpoint = nullptr;
};

template <class Usable>
void append_candidates(const kube::EndpointSlice& slice, std::string_view port_name, Usable usable,
                       std::vector<Candidate>& candidates) {
  for (const auto& port : slice.ports) {
    if (port.name != port_name || !is_tcp(port.protocol) || port.port.value_or(0) <= 0 ||
        *port.port > 65535) {
      continue;
    }
    const auto weight = slice_weight(slice);
    for (const auto& endpoint : slice.endpoints) {
      if (!usable(endpoint.conditions)) {
        continue;
      }
      for (const auto& address : endpoint.addresses) {
        if (is_ip_address(address)) {
          candidates.push_back(
              {{address, static_cast<std::uint16_t>(*port.port), endpoint.pod, weight}, &endpoint});
        }
      }
    }
  }
}

// Near ones first. Of an address that is there several times the near one stays, of equally near
// ones the lighter.
void sort_unique(std::vector<EndpointSpec>& endpoints) {
  std::ranges::sort(endpoints, {}, [](const EndpointSpec& endpoint) {
    return std::tie(endpoint.address, endpoint.port, endpoint.is_far, endpoint.weight,
                    endpoint.pod);
  });
  const auto [first, last] = std::ranges::unique(endpoints, [](const auto& a, const auto& b) {
    return a.address == b.address && a.port == b.port;
  });
  endpoints.erase(first, last);
  std::ranges::sort(endpoints, {}, [](const EndpointSpec& endpoint) {
    return std::tie(endpoint.is_far, endpoint.address, endpoint.port);
  });
}

std::vector<EndpointSpec> endpoints_of(const std::vector<const kube::EndpointSlice*>& slices,
                                       std::string_view port_name, const Location& here) {
  std::vector<Candidate> candidates;
  for (const auto* slice : slices) {
    append_candidates(*slice, port_name, is_ready, candidates);
  }
  std::vector<const kube::SliceEndpoint*> ready;
  ready.reserve(candidates.size());
  for (const auto& candidate : candidates) {
    ready.push_back(candidate.endpoint);
  }
  if (candidates.empty()) {
    for (const auto* slice : slices) {
      append_candidates(*slice, port_name, still_serves, candidates);
    }
  }
  const auto wanted = nearness(ready, here);
  std::vector<EndpointSpec> endpoints;
  endpoints.reserve(candidates.size());
  for (auto& candidate : candidates) {
    candidate.spec.is_far = !is_near(*candidate.endpoint, wanted, here);
    endpoints.push_back(std::move(candidate.spec));
  }
  sort_unique(endpoints);
  return endpoints;
}

// An ExternalName Service need not list its ports: a rule's number then stands for itself.
std::optional<std::int32_t> external_port(const kube::Service& service, std::string_view text) {
  const auto* port = find_port(service, text);
  if (port == nullptr) {
    return service.ports.empty() ? port_number(text) : std::nullopt;
  }
  return port->target_port.number > 0 ? port->target_port.number : port->port;
}

void fill_external(const kube::Service& service, std::span<const std::string> addresses,
                   BackendSpec& spec) {
  const auto port = external_port(service, spec.port);
  if (!port) {
    spec.missing_because = fmt::format("Service \"{}\" has no port \"{}\"; it has: {}",
                                       spec.service, spec.port, listed_ports(service));
    return;
  }
  for (const auto& address : addresses) {
    if (is_ip_address(address)) {
      spec.endpoints.push_back({address, static_cast<std::uint16_t>(*port), ""});
    }
  }
  sort_unique(spec.endpoints);
}

}  // namespace

bool is_external_name(const kube::Service& service) {
  return service.type == "ExternalName";
}

bool has_cluster_ip(const kube::Service& service) {
  return is_ip_address(service.cluster_ip);
}

bool is_tcp(std::string_view protocol) {
  return protocol.empty() || protocol == "TCP";
}

bool is_ip_address(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_ready(const kube::EndpointConditions& conditions) {
  return conditions.ready.value_or(true) && !conditions.terminating.value_or(false);
}

const kube::ServicePort* find_port(const kube::Service& service, std::string_view text) {
  const auto number = port_number(text);
  const auto found = std::ranges::find_if(service.ports, [&](const auto& port) {
    return is_tcp(port.protocol) &&
           (text.empty() || port.name == text || (number && port.port == *number));
  });
  return found == service.ports.end() ? nullptr : &*found;
}

BackendSpec build_backend(const BackendName& name, const BackendParts& parts) {
  BackendSpec spec{
      .key = name.key(), .namespace_ = name.namespace_, .service = name.service, .port = name.port};
  if (!name.unusable.empty()) {
    spec.missing_because = name.unusable;
    return spec;
  }
  if (parts.service == nullptr) {
    spec.missing_because = fmt::format("there is no Service \"{}\" in namespace \"{}\"",
                                       name.service, name.namespace_);
    return spec;
  }
  if (is_external_name(*parts.service)) {
    fill_external(*parts.service, parts.external_addresses, spec);
    return spec;
  }
  const auto* port = find_port(*parts.service, name.port);
  if (port == nullptr) {
    spec.missing_because = fmt::format("Service \"{}\" has no TCP port \"{}\"; it has: {}",
                                       name.service, name.port, listed_ports(*parts.service));
    return spec;
  }
  if (parts.service_upstream && has_cluster_ip(*parts.service)) {
    spec.endpoints = {{parts.service->cluster_ip, static_cast<std::uint16_t>(port->port), ""}};
    return spec;
  }
  spec.endpoints = endpoints_of(parts.slices, port->name, parts.here);
  return spec;
}

}  // namespace portico::translate
