#include "proxy/server/metrics.h"

#include <algorithm>
#include <limits>
#include <map>
#include <sstream>
#include <string_view>
#include <tuple>

#include <absl/container/flat_hash_set.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "proxy/exchange/pressure.h"
#include "proxy/server/circuit_metrics.h"
#include "proxy/server/ejections.h"

namespace portico::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr std::array<const char*, 6> kClassNames{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

template <class T>
void add_all(T& sums, const T& terms) {
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] += terms[i];
  }
}

void add_to(std::uint64_t& sum, std::uint64_t term) {
  sum += term;
}
void add_to(Metrics::StatusClasses& sums, const Metrics::StatusClasses& terms) {
  add_all(sums, terms);
}
void add_to(Metrics::Retries& sum, const Metrics::Retries& term) {
  sum.made += term.made;
  sum.refused += term.refused;
}

// What is counted by BackendId grows as far as ids are met.
template <class T>
T& count_of(std::vector<T>& counts, routing::BackendId backend) {
  const auto id = static_cast<std::size_t>(backend);
  if (counts.size() <= id) {
    counts.resize(id + 1);
  }
  return counts[id];
}

template <class T>
void clear(std::vector<T>& counts, routing::BackendId backend) {
  if (const auto id = static_cast<std::size_t>(backend); id < counts.size()) {
    counts[id] = {};
  }
}

template <class T>
void add_each(std::vector<T>& sums, const std::vector<T>& terms) {
  if (sums.size() < terms.size()) {
    sums.resize(terms.size());
  }
  for (std::size_t i = 0; i < terms.size(); ++i) {
    add_to(sums[i], terms[i]);
  }
}

ClientMetric counter(Labels labels, std::uint64_t value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = static_cast<double>(value);
  return metric;
}

ClientMetric gauge(Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  return metric;
}

MetricFamily family(const char* name, const char* help, MetricType type,
                    std::vector<ClientMetric> metrics) {
  return {.name = name, .help = help, .type = type, .metric = std::move(metrics)};
}

void append_classes(std::vector<ClientMetric>& metrics, const Labels& backend,
                    const Metrics::StatusClasses& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] != 0) {
      auto labels = backend;
      labels.push_back({"class", kClassNames[i]});
      metrics.push_back(counter(std::move(labels), counts[i]));
    }
  }
}

// A Service port that is talked to in several ways is several backends, and one series.
using ServicePort = std::tuple<std::string_view, std::string_view, std::string_view>;

Labels labels_of(const ServicePort& port) {
  return {{"namespace", std::string(std::get<0>(port))},
          {"service", std::string(std::get<1>(port))},
          {"port", std::string(std::get<2>(port))}};
}

MetricFamily requests(const Metrics& total, const exchange::Config& config) {
  std::vector<ClientMetric> metrics;
  append_classes(metrics, {{"namespace", ""}, {"service", ""}, {"port", ""}},
                 total.without_backend);
  std::map<ServicePort, Metrics::StatusClasses> by_port;
  for (std::size_t id = 0; id < total.by_backend.size(); ++id) {
    if (const auto* backend = config.backends.find(id); backend != nullptr) {
      const auto& spec = *backend->spec;
      add_all(by_port[{spec.namespace_, spec.service, spec.port}], total.by_backend[id]);
    }
  }
  for (const auto& [port, counts] : by_port) {
    append_classes(metrics, labels_of(port), counts);
  }
  return family("portico_requests_total", "Requests by backend and status class.",
                MetricType::Counter, std::move(metrics));
}

void append_retries(std::vector<MetricFamily>& families, const Metrics& total,
                    const exchange::Config& config) {
  std::map<ServicePort, Metrics::Retries> by_port;
  for (std::size_t id = 0; id < total.retries_by_backend.size(); ++id) {
    if (const auto* backend = config.backends.find(id); backend != nullptr) {
      const auto& spec = *backend->spec;
      auto& sums = by_port[{spec.namespace_, spec.service, spec.port}];
      sums.made += total.retries_by_backend[id].made;
      sums.refused += total.retries_by_backend[id].refused;
    }
  }
  std::vector<ClientMetric> made;
  std::vector<ClientMetric> refused;
  for (const auto& [port, counts] : by_port) {
    if (counts.made != 0) {
      made.push_back(counter(labels_of(port), counts.made));
    }
    if (counts.refused != 0) {
      refused.push_back(counter(labels_of(port), counts.refused));
    }
  }
  families.push_back(family("portico_upstream_retries_total", "Tries after the first, by backend.",
                            MetricType::Counter, std::move(made)));
  families.push_back(family("portico_retry_budget_exhausted_total",
                            "Requests not tried again for want of retry budget, by backend.",
                            MetricType::Counter, std::move(refused)));
}

std::uint64_t at(const std::vector<std::uint64_t>& counts, std::size_t id) {
  return id < counts.size() ? counts[id] : 0;
}

void append_counter(std::vector<ClientMetric>& metrics, Labels labels, const char* reason,
                    std::uint64_t value) {
  if (value != 0) {
    labels.push_back({"reason", reason});
    metrics.push_back(counter(std::move(labels), value));
  }
}

// Of backends that have ever had one. (A tunnel's counts once the tunnel ends.)
void append_ejections(std::vector<MetricFamily>& families, const Metrics& total,
                      const exchange::Config& config) {
  struct Ejected {
    std::uint64_t in_a_row = 0;
    std::uint64_t success_rate = 0;
    absl::flat_hash_set<exchange::EndpointId> now;  // several backends may have one
  };
  std::map<ServicePort, Ejected> by_port;
  config.backends.for_each([&](std::size_t id, const auto& backend) {
    const auto& spec = *backend->spec;
    const ServicePort port{spec.namespace_, spec.service, spec.port};
    const auto in_a_row = at(total.ejections_by_backend, id);
    const auto success_rate = at(total.put_out_by_backend, id);
    if (in_a_row + success_rate != 0) {
      auto& ejected = by_port[port];
      ejected.in_a_row += in_a_row;
      ejected.success_rate += success_rate;
    }
    for (const auto* endpoints : {&backend->endpoints, &backend->tls_endpoints}) {
      for (const auto& endpoint : *endpoints) {
        if (is_ejected(endpoint)) {
          by_port[port].now.insert(endpoint.id);
        }
      }
    }
  });
  std::vector<ClientMetric> totals;
  std::vector<ClientMetric> now;
  for (const auto& [port, ejected] : by_port) {
    append_counter(totals, labels_of(port), "failures_in_a_row", ejected.in_a_row);
    append_counter(totals, labels_of(port), "success_rate", ejected.success_rate);
    now.push_back(gauge(labels_of(port), static_cast<double>(ejected.now.size())));
  }
  families.push_back(family("portico_endpoint_ejections_total",
                            "How often an endpoint was ejected because it failed, by backend and "
                            "by what told.",
                            MetricType::Counter, std::move(totals)));
  families.push_back(family("portico_endpoints_ejected", "Endpoints that are ejected, by backend.",
                            MetricType::Gauge, std::move(now)));
}

void append_panics(std::vector<MetricFamily>& families, const Metrics& total,
                   const exchange::Config& config) {
  std::map<ServicePort, std::uint64_t> by_port;
  for (std::size_t id = 0; id < total.panics_by_backend.size(); ++id) {
    const auto* backend = config.backends.find(id);
    if (backend != nullptr && total.panics_by_backend[id] != 0) {
      const auto& spec = *backend->spec;
      by_port[{spec.namespace_, spec.service, spec.port}] += total.panics_by_backend[id];
    }
  }
  std::vector<ClientMetric> totals;
  for (const auto& [port, panics] : by_port) {
    totals.push_back(counter(labels_of(port), panics));
  }
  families.push_back(family("portico_backend_panics_total",
                            "Requests for which ejected endpoints were tried too, since too few "
                            "served, by backend.",
                            MetricType::Counter, std::move(totals)));
}

MetricFamily latency(const Metrics& total) {
  ClientMetric metric;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < total.latency.size(); ++i) {
    cumulative += total.latency[i];
    const auto bound =
        i < kLatencyBounds.size() ? kLatencyBounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({.cumulative_count = cumulative, .upper_bound = bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = total.latency_sum_seconds;
  return family("portico_request_duration_seconds",
                "From a request's head to its answer's last byte.", MetricType::Histogram,
                {std::move(metric)});
}

}  // namespace

void Metrics::count(const exchange::Record& record) {
  if (record.tunnel) {
    ++tunnels;
    tunnel_failures += record.status / 100 == 5 && record.response_bytes == 0 ? 1 : 0;
    if (record.ejections != 0) {
      count_ejections(record);
    }
    if (record.panicked) {
      count_panic(record);
    }
    return;
  }
  const auto status = record.meant_status != 0 ? record.meant_status : record.status;
  const auto status_class = std::min<std::size_t>(status / 100, 5);
  if (record.route == nullptr) {
    ++without_backend[status_class];
  } else {
    ++count_of(by_backend, record.route->backend)[status_class];
  }
  const auto seconds = std::chrono::duration<double>(record.duration).count();
  const auto bucket = std::ranges::lower_bound(kLatencyBounds, seconds) - kLatencyBounds.begin();
  ++latency[static_cast<std::size_t>(bucket)];
  latency_sum_seconds += seconds;
  shed_requests += record.reason == exchange::kShedForMemory ? 1 : 0;
  if (record.panicked) {
    count_panic(record);
  }
  if (record.circuit_refusal != exchange::CircuitRefusal::kNone) {
    circuits.count(record.route->backend, record.circuit_refusal);
  }
  if (record.attempts > 1 || record.retry_budget_exhausted) {
    count_retries(record);
  }
  if (record.ejections != 0) {
    count_ejections(record);
  }
}

// Only of a request that a backend was picked for: it has a route.
void Metrics::count_panic(const exchange::Record& record) {
  ++count_of(panics_by_backend, record.route->backend);
}

// The same.
void Metrics::count_retries(const exchange::Record& record) {
  auto& retries = count_of(retries_by_backend, record.route->backend);
  retries.made += static_cast<std::uint64_t>(record.attempts - 1);
  retries.refused += record.retry_budget_exhausted ? 1 : 0;
}

void Metrics::count_ejections(const exchange::Record& record) {
  count_of(ejections_by_backend, record.route->backend) +=
      static_cast<std::uint64_t>(record.ejections);
}

void Metrics::count_put_out(routing::BackendId backend) {
  ++count_of(put_out_by_backend, backend);
}

void Metrics::retire(routing::BackendId backend) {
  circuits.retire(backend);
  clear(by_backend, backend);
  clear(panics_by_backend, backend);
  clear(retries_by_backend, backend);
  clear(ejections_by_backend, backend);
  clear(put_out_by_backend, backend);
}

void Metrics::add(const Metrics& other) {
  add_each(by_backend, other.by_backend);
  add_each(panics_by_backend, other.panics_by_backend);
  add_each(retries_by_backend, other.retries_by_backend);
  add_each(ejections_by_backend, other.ejections_by_backend);
  add_each(put_out_by_backend, other.put_out_by_backend);
  circuits.add(other.circuits);
  add_all(without_backend, other.without_backend);
  add_all(latency, other.latency);
  latency_sum_seconds += other.latency_sum_seconds;
  accepted_http += other.accepted_http;
  accepted_https += other.accepted_https;
  handshake_failures += other.handshake_failures;
  proxy_header_failures += other.proxy_header_failures;
  tunnels += other.tunnels;
  tunnel_failures += other.tunnel_failures;
  open_tunnels += other.open_tunnels;
  open_connections += other.open_connections;
  shed_connections += other.shed_connections;
  refused.too_many += other.refused.too_many;
  refused.too_many_of_client += other.refused.too_many_of_client;
  refused.no_memory += other.refused.no_memory;
  shed_requests += other.shed_requests;
  dropped_log_lines += other.dropped_log_lines;
  pool.connects += other.pool.connects;
  pool.connect_failures += other.pool.connect_failures;
  pool.reuses += other.pool.reuses;
  pool.open += other.pool.open;
  pool.idle += other.pool.idle;
}

std::string to_prometheus_text(const Metrics& total, const exchange::Config& config,
                               std::size_t workers, std::chrono::steady_clock::time_point now) {
  using enum MetricType;
  std::vector<MetricFamily> families;
  families.push_back(
      family("portico_build_info", "Always 1.", Gauge, {gauge({{"version", PORTICO_VERSION}}, 1)}));
  families.push_back(family("portico_workers", "Threads that serve requests.", Gauge,
                            {gauge({}, static_cast<double>(workers))}));
  families.push_back(requests(total, config));
  families.push_back(latency(total));
  families.push_back(family("portico_connections_open", "Client connections.", Gauge,
                            {gauge({}, static_cast<double>(total.open_connections))}));
  families.push_back(family("portico_connections_accepted_total", "Client connections accepted.",
                            Counter,
                            {counter({{"listener", "http"}}, total.accepted_http),
                             counter({{"listener", "https"}}, total.accepted_https)}));
  families.push_back(family("portico_connections_shed_total",
                            "Client connections closed unserved for want of file descriptors.",
                            Counter, {counter({}, total.shed_connections)}));
  families.push_back(
      family("portico_connections_refused_total", "Client connections closed unserved, by reason.",
             Counter,
             {counter({{"reason", "max_connections"}}, total.refused.too_many),
              counter({{"reason", "max_connections_per_client"}}, total.refused.too_many_of_client),
              counter({{"reason", "memory"}}, total.refused.no_memory)}));
  families.push_back(family("portico_requests_shed_total",
                            "Requests answered 503 because memory was nearly used up.", Counter,
                            {counter({}, total.shed_requests)}));
  families.push_back(family("portico_connections_limit",
                            "What --max-connections says; 0: no limit.", Gauge,
                            {gauge({}, static_cast<double>(total.connection_limit))}));
  families.push_back(family("portico_memory_limit_bytes",
                            "The memory that overload is measured by; 0: no limit.", Gauge,
                            {gauge({}, static_cast<double>(total.memory_limit_bytes))}));
  families.push_back(family("portico_memory_used_bytes",
                            "What of it is used, where there is a limit.", Gauge,
                            {gauge({}, static_cast<double>(total.memory_used_bytes))}));
  families.push_back(family("portico_tls_handshake_failures_total", "TLS handshakes that failed.",
                            Counter, {counter({}, total.handshake_failures)}));
  families.push_back(family("portico_proxy_header_failures_total",
                            "Connections closed for want of a PROXY header that is believed.",
                            Counter, {counter({}, total.proxy_header_failures)}));
  families.push_back(family("portico_tls_passthrough_open", "TLS connections passed through.",
                            Gauge, {gauge({}, static_cast<double>(total.open_tunnels))}));
  families.push_back(family(
      "portico_tls_passthrough_total", "TLS connections passed through that have ended.", Counter,
      {counter({{"outcome", "reached"}}, total.tunnels - total.tunnel_failures),
       counter({{"outcome", "unreached"}}, total.tunnel_failures)}));
  families.push_back(family(
      "portico_upstream_connections", "Connections to endpoints.", Gauge,
      {gauge({{"state", "idle"}}, static_cast<double>(total.pool.idle)),
       gauge({{"state", "active"}}, static_cast<double>(total.pool.open - total.pool.idle))}));
  families.push_back(family("portico_upstream_connects_total", "Connections to endpoints begun.",
                            Counter, {counter({}, total.pool.connects)}));
  families.push_back(family("portico_upstream_connect_failures_total",
                            "Connections to endpoints that failed.", Counter,
                            {counter({}, total.pool.connect_failures)}));
  families.push_back(family("portico_upstream_reuses_total",
                            "Requests sent on a connection that was already open.", Counter,
                            {counter({}, total.pool.reuses)}));
  append_retries(families, total, config);
  append_ejections(families, total, config);
  append_panics(families, total, config);
  append_circuits(families, total.circuits, config);
  families.push_back(family("portico_access_log_dropped_total",
                            "Access log lines dropped because the log is slow or full.", Counter,
                            {counter({}, total.dropped_log_lines)}));
  families.push_back(family("portico_config_generation", "Number of the configuration in effect.",
                            Gauge, {gauge({}, static_cast<double>(config.generation))}));
  families.push_back(
      family("portico_config_age_seconds", "Time since the configuration last changed.", Gauge,
             {gauge({}, std::chrono::duration<double>(now - config.compiled).count())}));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace portico::server
