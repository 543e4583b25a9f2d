#include "proxy/server/metrics.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/exchange/circuit.h"
#include "proxy/exchange/pressure.h"
#include "proxy/exchange/testing/config.h"

namespace portico::server {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

exchange::Record record(const routing::Route* route, std::uint16_t status,
                        std::chrono::milliseconds duration = 1ms, int attempts = 1) {
  return {.status = status, .duration = duration, .route = route, .attempts = attempts};
}

std::string text_of(const Metrics& metrics) {
  auto config = std::make_shared<exchange::Config>();
  auto spec = std::make_shared<routing::BackendSpec>();
  spec->namespace_ = "default";
  spec->service = "we\"b";
  spec->port = "80";
  auto backend = std::make_shared<exchange::Backend>();
  backend->spec = std::move(spec);
  config->backends.set(3, std::move(backend));
  config->generation = 42;
  config->compiled = std::chrono::steady_clock::time_point(10s);
  return to_prometheus_text(metrics, *config, 2, std::chrono::steady_clock::time_point(15s));
}

TEST(Metrics, CountsByBackendAndStatusClass) {
  const routing::Route route{.backend = routing::BackendId{3}};
  Metrics metrics;
  metrics.count(record(&route, 200));
  metrics.count(record(&route, 204));
  metrics.count(record(&route, 499));
  metrics.count(record(nullptr, 404));
  const auto text = text_of(metrics);
  EXPECT_THAT(text, HasSubstr("portico_requests_total{namespace=\"default\",service=\"we\\\"b\","
                              "port=\"80\",class=\"2xx\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("port=\"80\",class=\"4xx\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("port=\"\",class=\"4xx\"} 1\n"));
}

TEST(Metrics, CountsAnErrorThatIsToldToAGrpcClientAsAnError) {
  auto told = record(nullptr, 200);
  told.meant_status = 503;
  Metrics metrics;
  metrics.count(told);
  EXPECT_THAT(text_of(metrics), HasSubstr("port=\"\",class=\"5xx\"} 1\n"));
}

TEST(Metrics, CountsEjectionsByBackendAndThoseThatAreOut) {
  exchange::EndpointHealthTable health;
  const routing::Route route{.backend = routing::BackendId{0}};
  const auto config =
      exchange::testing::ConfigBuilder().health(health).backend("default/web:80", {80, 81}).build();
  auto ejecting = record(&route, 502);
  ejecting.ejections = 2;
  Metrics metrics;
  metrics.count(record(&route, 200));
  EXPECT_THAT(to_prometheus_text(metrics, *config, 1, {}), Not(HasSubstr("ejections_total{")));
  metrics.count(ejecting);
  Metrics other;
  other.add(metrics);
  other.add(metrics);
  for (int i = 0; i < 5; ++i) {
    config->backends.find(0)->endpoints.at(1).health->report(routing::TryOutcome::kFailed, false,
                                                             {}, {});
  }
  const auto text = to_prometheus_text(other, *config, 1, {});
  EXPECT_THAT(text, HasSubstr("portico_endpoint_ejections_total{namespace=\"\",service=\"\","
                              "port=\"\",reason=\"failures_in_a_row\"} 4\n"));
  EXPECT_THAT(text,
              HasSubstr("portico_endpoints_ejected{namespace=\"\",service=\"\",port=\"\"} 1\n"));
  other.count_put_out(route.backend);
  EXPECT_THAT(to_prometheus_text(other, *config, 1, {}),
              HasSubstr("port=\"\",reason=\"success_rate\"} 1\n"));
  other.retire(route.backend);
  EXPECT_THAT(to_prometheus_text(other, *config, 1, {}), Not(HasSubstr("ejections_total{")));
}

// A Service port that is talked to in two ways is two backends.
TEST(Metrics, CountsAnEndpointOfSeveralBackendsOnceAmongThoseThatAreOut) {
  exchange::EndpointHealthTable health;
  exchange::testing::ConfigBuilder builder;
  builder.health(health).backend("default/web:80", {80, 81}).backend("default/web:80#x", {80, 81});
  const auto config = builder.build();
  config->backends.find(1)->endpoints.at(1).health->put_out({});
  config->backends.find(0)->endpoints.at(1).health->put_out({});
  Metrics metrics;
  metrics.count_put_out(routing::BackendId{0});
  metrics.count_put_out(routing::BackendId{1});
  EXPECT_THAT(to_prometheus_text(metrics, *config, 1, {}),
              HasSubstr("portico_endpoints_ejected{namespace=\"\",service=\"\",port=\"\"} 1\n"));
}

TEST(Metrics, CountsRequestsInPanicByBackend) {
  const routing::Route route{.backend = routing::BackendId{3}};
  auto panicking = record(&route, 200);
  panicking.panicked = true;
  Metrics worker;
  worker.count(record(&route, 200));
  EXPECT_THAT(text_of(worker), Not(HasSubstr("portico_backend_panics_total{")));
  worker.count(panicking);
  panicking.tunnel = true;
  worker.count(panicking);
  Metrics total;
  total.add(worker);
  total.add(worker);
  EXPECT_THAT(text_of(total), HasSubstr("portico_backend_panics_total{namespace=\"default\","
                                        "service=\"we\\\"b\",port=\"80\"} 4\n"));
  total.retire(route.backend);
  EXPECT_THAT(text_of(total), Not(HasSubstr("portico_backend_panics_total{")));
}

TEST(Metrics, CountsWhatLimitsDidNotLetBeDone) {
  exchange::Circuit circuit;
  circuit.set({.requests = 2});
  ASSERT_TRUE(circuit.requests.enter());
  exchange::testing::ConfigBuilder builder;
  builder.circuit(&circuit).backend("default/web:80", {80});
  const auto config = builder.build();
  const routing::Route route{.backend = routing::BackendId{0}};
  auto refused = record(&route, 503);
  refused.circuit_refusal = exchange::CircuitRefusal::kMaxRequests;
  Metrics worker;
  worker.count(refused);
  Metrics total;
  total.add(worker);
  total.add(worker);
  const auto text = to_prometheus_text(total, *config, 1, {});
  EXPECT_THAT(text, HasSubstr("portico_circuit_refused_total{namespace=\"\",service=\"\",port=\"\","
                              "reason=\"max-requests\"} 2\n"));
  EXPECT_THAT(text,
              HasSubstr("portico_circuit_requests{namespace=\"\",service=\"\",port=\"\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("portico_circuit_pending{namespace=\"\",service=\"\",port=\"\"} 0\n"));
  total.retire(route.backend);
  EXPECT_THAT(to_prometheus_text(total, *config, 1, {}), Not(HasSubstr("circuit_refused_total{")));
}

TEST(Metrics, CountsLatencyInCumulativeBuckets) {
  Metrics metrics;
  metrics.count(record(nullptr, 200, 5ms));
  metrics.count(record(nullptr, 200, 6ms));
  metrics.count(record(nullptr, 200, 20'000ms));
  const auto text = text_of(metrics);
  EXPECT_THAT(text, HasSubstr("portico_request_duration_seconds_bucket{le=\"0.005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"0.01\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"10\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("portico_request_duration_seconds_count 3\n"));
}

TEST(Metrics, CountsTriesAfterTheFirst) {
  const routing::Route route{.backend = routing::BackendId{3}};
  Metrics metrics;
  metrics.count(record(nullptr, 200, 1ms, 0));
  metrics.count(record(&route, 200, 1ms, 1));
  EXPECT_THAT(text_of(metrics), Not(HasSubstr("portico_upstream_retries_total{")));
  metrics.count(record(&route, 200, 1ms, 3));
  EXPECT_THAT(text_of(metrics), HasSubstr("portico_upstream_retries_total{namespace=\"default\","
                                          "service=\"we\\\"b\",port=\"80\"} 2\n"));
  metrics.retire(routing::BackendId{3});
  EXPECT_THAT(text_of(metrics), Not(HasSubstr("portico_upstream_retries_total{")));
}

TEST(Metrics, CountsRequestsThatTheRetryBudgetKeptFromAnotherTry) {
  const routing::Route route{.backend = routing::BackendId{3}};
  auto refused = record(&route, 503);
  refused.retry_budget_exhausted = true;
  Metrics worker;
  worker.count(refused);
  worker.count(refused);
  Metrics total;
  total.add(worker);
  EXPECT_THAT(text_of(total),
              HasSubstr("portico_retry_budget_exhausted_total{namespace=\"default\","
                        "service=\"we\\\"b\",port=\"80\"} 2\n"));
  EXPECT_THAT(text_of(total), Not(HasSubstr("portico_upstream_retries_total{")));
}

TEST(Metrics, CountsRequestsShedForMemory) {
  auto shed = record(nullptr, 503);
  shed.reason = exchange::kShedForMemory;
  auto grpc = record(nullptr, 200);  // gRPC's statuses are told behind a 200
  grpc.reason = exchange::kShedForMemory;
  Metrics worker;
  worker.count(shed);
  worker.count(grpc);
  worker.count(record(nullptr, 503));
  Metrics total;
  total.add(worker);
  EXPECT_THAT(text_of(total), HasSubstr("portico_requests_shed_total 2\n"));
}

TEST(Metrics, ForgetsARetiredBackendBeforeItsIdIsUsedAgain) {
  const routing::Route route{.backend = routing::BackendId{3}};
  Metrics metrics;
  metrics.count(record(&route, 200));
  metrics.retire(routing::BackendId{3});
  metrics.retire(routing::BackendId{99});
  EXPECT_THAT(text_of(metrics), Not(HasSubstr("class=\"2xx\"")));
}

TEST(Metrics, AddsUpTheWorkers) {
  const routing::Route near{.backend = routing::BackendId{0}};
  const routing::Route far{.backend = routing::BackendId{3}};
  Metrics first;
  first.count(record(&near, 200));
  first.accepted_http = 1;
  first.pool = {.connects = 1, .connect_failures = 2, .reuses = 3, .open = 4, .idle = 1};
  Metrics second;
  second.count(record(&far, 500, 1ms, 2));
  second.accepted_http = 10;
  second.accepted_https = 20;
  second.handshake_failures = 30;
  second.open_connections = 40;
  second.shed_connections = 50;
  second.dropped_log_lines = 60;
  second.pool = {.connects = 10, .connect_failures = 20, .reuses = 30, .open = 40, .idle = 10};
  Metrics total;
  total.add(first);
  total.add(second);
  const auto text = text_of(total);
  for (const auto* line :
       {"portico_connections_accepted_total{listener=\"http\"} 11",
        "portico_connections_accepted_total{listener=\"https\"} 20",
        "portico_tls_handshake_failures_total 30", "portico_connections_open 40",
        "portico_connections_shed_total 50", "portico_access_log_dropped_total 60",
        "portico_upstream_connections{state=\"idle\"} 11",
        "portico_upstream_connections{state=\"active\"} 33", "portico_upstream_connects_total 11",
        "portico_upstream_connect_failures_total 22", "portico_upstream_reuses_total 33",
        "port=\"80\"} 1", "portico_request_duration_seconds_count 2",
        "portico_config_generation 42", "portico_config_age_seconds 5", "portico_workers 2"}) {
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
  }
}

// The text exposition format, as far as it is used: comments, or a name, labels and a number.
TEST(Metrics, WritesTextThatParses) {
  const routing::Route route{.backend = routing::BackendId{3}};
  Metrics metrics;
  metrics.count(record(&route, 200));
  std::istringstream lines(text_of(metrics));
  std::string line;
  std::string family;
  while (std::getline(lines, line)) {
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
    }
    if (line.starts_with('#')) {
      continue;
    }
    EXPECT_TRUE(line.starts_with(family)) << line;
    const auto value = line.substr(line.rfind(' ') + 1);
    std::size_t read = 0;
    EXPECT_NO_THROW(std::stod(value, &read)) << line;
    EXPECT_EQ(read, value.size()) << line;
  }
}

}  // namespace
}  // namespace portico::server
