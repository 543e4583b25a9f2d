#include "proxy/server/circuit_metrics.h"

#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "proxy/exchange/circuit.h"

namespace portico::server {
namespace {

using exchange::CircuitRefusal;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct OfPort {
  CircuitCounts::Refusals refused{};
  std::uint64_t requests = 0;
  std::uint64_t pending = 0;
  std::uint64_t retries = 0;
  std::uint64_t connections = 0;
  std::uint64_t adaptive_limit = 0;
  bool is_limited = false;
  bool is_adaptive = false;
};
// A Service port that is talked to in several ways is several backends, and one series.
using ByPort = std::map<std::tuple<std::string_view, std::string_view, std::string_view>, OfPort>;

void add(OfPort& port, const CircuitCounts::Refusals& refused, const exchange::Circuit* circuit) {
  for (std::size_t reason = 0; reason < refused.size(); ++reason) {
    port.refused[reason] += refused[reason];
  }
  if (circuit != nullptr) {
    port.is_limited = true;
    port.requests += circuit->requests.inside();
    port.pending += circuit->requests.waiting();
    port.retries += circuit->retries();
    port.connections += circuit->connections.inside();
    if (circuit->latency.is_on()) {
      port.is_adaptive = true;
      port.adaptive_limit += circuit->requests.limit();
    }
  }
}

ByPort by_port(const CircuitCounts& counts, const exchange::Config& config) {
  ByPort ports;
  config.backends.for_each([&](std::size_t id, const auto& backend) {
    const auto refused = counts.of(id);
    if (backend->circuit != nullptr || refused != CircuitCounts::Refusals{}) {
      const auto& spec = *backend->spec;
      add(ports[{spec.namespace_, spec.service, spec.port}], refused, backend->circuit);
    }
  });
  return ports;
}

ClientMetric labeled(const ByPort::key_type& port) {
  ClientMetric metric;
  metric.label = {{"namespace", std::string(std::get<0>(port))},
                  {"service", std::string(std::get<1>(port))},
                  {"port", std::string(std::get<2>(port))}};
  return metric;
}

MetricFamily refusals(const ByPort& ports) {
  MetricFamily family{.name = "portico_circuit_refused_total",
                      .help = "What limits of backends did not let be done, by backend and limit.",
                      .type = MetricType::Counter,
                      .metric = {}};
  for (const auto& [name, port] : ports) {
    for (std::size_t reason = 1; reason < port.refused.size(); ++reason) {
      if (port.refused[reason] != 0) {
        auto& metric = family.metric.emplace_back(labeled(name));
        metric.label.push_back(
            {"reason", std::string(to_string(static_cast<CircuitRefusal>(reason)))});
        metric.counter.value = static_cast<double>(port.refused[reason]);
      }
    }
  }
  return family;
}

MetricFamily gauges(const char* name, const char* help, const ByPort& ports,
                    std::uint64_t OfPort::* value, bool OfPort::* is_there) {
  MetricFamily family{.name = name, .help = help, .type = MetricType::Gauge, .metric = {}};
  for (const auto& [port_name, port] : ports) {
    if (port.*is_there) {
      auto& metric = family.metric.emplace_back(labeled(port_name));
      metric.gauge.value = static_cast<double>(port.*value);
    }
  }
  return family;
}

}  // namespace

void append_circuits(std::vector<MetricFamily>& families, const CircuitCounts& counts,
                     const exchange::Config& config) {
  const auto ports = by_port(counts, config);
  families.push_back(refusals(ports));
  families.push_back(gauges("portico_circuit_requests",
                            "Requests under way, of backends with limits.", ports,
                            &OfPort::requests, &OfPort::is_limited));
  families.push_back(gauges("portico_circuit_pending",
                            "Requests that wait in line, of backends with limits.", ports,
                            &OfPort::pending, &OfPort::is_limited));
  families.push_back(gauges("portico_circuit_retries",
                            "Requests under way that are tried again, of backends with limits.",
                            ports, &OfPort::retries, &OfPort::is_limited));
  families.push_back(gauges("portico_circuit_connections",
                            "Connections to endpoints, of backends with limits.", ports,
                            &OfPort::connections, &OfPort::is_limited));
  families.push_back(gauges("portico_circuit_adaptive_limit",
                            "How many requests may be under way, of backends with "
                            "adaptive-concurrency.",
                            ports, &OfPort::adaptive_limit, &OfPort::is_adaptive));
}

}  // namespace portico::server
