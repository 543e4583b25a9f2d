// How a backend's requests are spread over its endpoints, as asked for: plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "routing/circuit_spec.h"
#include "routing/health_check_spec.h"

namespace portico::routing {

enum class Strategy : std::uint8_t {
  kRoundRobin,
  kLeastRequests,  // of two endpoints drawn by lot, the one with fewer open requests
  kEwma,           // of two drawn by lot, the one that answers faster and has less to do
  kRandom,
};

enum class SameSite : std::uint8_t { kUnset, kStrict, kLax, kNone };

// Keeps a client at one endpoint, by a cookie.
struct AffinitySpec {
  std::string cookie_name = "INGRESSCOOKIE";
  std::string path;    // empty: the rule's
  std::string domain;  // empty: not sent
  SameSite same_site = SameSite::kUnset;
  bool conditional_same_site_none = false;  // left out for browsers that take it for Strict
  std::optional<bool> secure;               // none: where the request came by https
  bool partitioned = false;
  std::optional<std::int64_t> expires_seconds;
  std::optional<std::int64_t> max_age_seconds;
  bool change_on_failure = false;
  bool persistent = false;  // else sessions move where endpoints come
  bool operator==(const AffinitySpec&) const = default;
};

// How a backend's requests are spread, and what its endpoints are spared. Affinity comes before
// hash_by, and hash_by before the strategy.
struct BalanceSpec {
  std::optional<Strategy> strategy;  // none: Settings'
  std::string hash_by;               // text and variables; empty: nothing is hashed
  bool hash_subset = false;          // hashing chooses a few endpoints, chance one of them
  std::uint32_t hash_subset_size = 3;
  std::optional<AffinitySpec> affinity;
  // For how long an endpoint that is new gets less than its share; none: Settings'.
  std::optional<std::chrono::milliseconds> slow_start;
  // Where fewer of the endpoints than this serve, all are tried as if they did; none: Settings'.
  std::optional<std::uint8_t> panic_percent;
  std::optional<HealthCheckSpec> health_check;
  CircuitSpec circuit;
  bool operator==(const BalanceSpec&) const = default;
};

}  // namespace portico::routing
