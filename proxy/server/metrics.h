// What a worker counts: plain numbers on its own thread, copied and summed when somebody scrapes.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/exchange/config.h"
#include "proxy/exchange/record.h"
#include "proxy/server/circuit_counts.h"
#include "proxy/server/doorkeeper.h"
#include "proxy/upstream/pool.h"

namespace portico::server {

// Upper bounds in seconds, as ingress-nginx has them; the last bucket is open.
inline constexpr std::array<double, 11> kLatencyBounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                       0.5,   1,    2.5,   5,    10};

// Thread: the worker's; copies are values.
struct Metrics {
  using StatusClasses =
      std::array<std::uint64_t, 6>;  // [0]: no answer was sent; [1]..[5]: 1xx..5xx

  struct Retries {
    std::uint64_t made = 0;     // tries after the first
    std::uint64_t refused = 0;  // for want of a token: see exchange/retry_budget.h
  };

  std::vector<StatusClasses> by_backend;         // by BackendId
  StatusClasses without_backend{};               // no route matched
  std::vector<std::uint64_t> panics_by_backend;  // requests; by BackendId
  std::array<std::uint64_t, kLatencyBounds.size() + 1> latency{};
  double latency_sum_seconds = 0;
  std::uint64_t accepted_http = 0;
  std::uint64_t accepted_https = 0;
  std::uint64_t handshake_failures = 0;
  std::uint64_t proxy_header_failures = 0;  // none, broken, too late, or of one who is not trusted
  std::uint64_t tunnels = 0;                // TLS connections passed through, ended
  std::uint64_t tunnel_failures = 0;        // of them, those that reached no endpoint
  std::uint64_t open_tunnels = 0;
  std::uint64_t open_connections = 0;
  std::uint64_t shed_connections = 0;  // for want of descriptors
  Refusals refused;
  std::uint64_t shed_requests = 0;     // for want of memory
  std::uint64_t connection_limit = 0;  // of the whole process, as the two below; 0: none
  std::uint64_t memory_limit_bytes = 0;
  std::uint64_t memory_used_bytes = 0;
  std::uint64_t dropped_log_lines = 0;
  std::vector<Retries> retries_by_backend;  // by BackendId
  // Of endpoints; by BackendId.
  std::vector<std::uint64_t> ejections_by_backend;  // for failures in a row
  std::vector<std::uint64_t> put_out_by_backend;    // by success_rate.h
  CircuitCounts circuits;
  upstream::PoolCounts pool;

  void count(const exchange::Record& record);
  void count_put_out(routing::BackendId backend);
  void retire(routing::BackendId backend);
  void add(const Metrics& other);

 private:
  void count_retries(const exchange::Record& record);
  void count_ejections(const exchange::Record& record);
  void count_panic(const exchange::Record& record);
};

// Prometheus text exposition format 0.0.4. `config` names the backends.
std::string to_prometheus_text(const Metrics& total, const exchange::Config& config,
                               std::size_t workers, std::chrono::steady_clock::time_point now);

}  // namespace portico::server
