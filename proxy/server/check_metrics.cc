#include "proxy/server/check_metrics.h"

#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_set.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "proxy/server/checked_endpoints.h"

namespace portico::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::vector<ClientMetric::Label> labels_of(const checks::ServicePort& name) {
  return {{"namespace", name.namespace_}, {"service", name.service}, {"port", name.port}};
}

ClientMetric counter(const checks::ServicePort& of, const char* result, std::uint64_t value) {
  ClientMetric metric;
  metric.label = labels_of(of);
  metric.label.push_back({"result", result});
  metric.counter.value = static_cast<double>(value);
  return metric;
}

}  // namespace

std::string check_metrics(const exchange::Config& config, const checks::CheckBook& book) {
  // Several backends of a Service port may share endpoints.
  std::map<checks::ServicePort, absl::flat_hash_set<exchange::EndpointId>> ill;
  for_each_checked(config,
                   [&](const exchange::Backend& backend, const exchange::Endpoint& endpoint) {
                     const auto& spec = *backend.spec;
                     auto& of_port = ill[{spec.namespace_, spec.service, spec.port}];
                     if (is_ill(endpoint)) {
                       of_port.insert(endpoint.id);
                     }
                   });
  MetricFamily unhealthy{.name = "portico_endpoints_unhealthy",
                         .help = "Endpoints whose health checks fail, by backend.",
                         .type = MetricType::Gauge,
                         .metric = {}};
  for (const auto& [name, endpoints] : ill) {
    ClientMetric metric;
    metric.label = labels_of(name);
    metric.gauge.value = static_cast<double>(endpoints.size());
    unhealthy.metric.push_back(std::move(metric));
  }
  MetricFamily checks{.name = "portico_health_checks_total",
                      .help = "Health checks of endpoints, by backend and result.",
                      .type = MetricType::Counter,
                      .metric = {}};
  for (const auto& count : book.counts()) {
    checks.metric.push_back(counter(count.of, "passed", count.passed));
    checks.metric.push_back(counter(count.of, "failed", count.failed));
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, {std::move(checks), std::move(unhealthy)});
  return std::move(out).str();
}

}  // namespace portico::server
