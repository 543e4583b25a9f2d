// Puts endpoints out that fail far more than the others of their backend (routing/success_rate.h),
// by what all workers have counted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "proxy/exchange/config.h"
#include "proxy/exchange/endpoint_health.h"
#include "proxy/exchange/try_tallies.h"
#include "routing/success_rate.h"

namespace portico::server {

// Thread:    the controller's.
// Memory:    of backends where something failed in the last minute only.
class SuccessJudge {
 public:
  struct Verdict {
    routing::BackendId backend{};
    exchange::EndpointId endpoint{};
    std::string why;  // "fails 21 % of its requests, the others 0.1 %"
  };

  // A worker's, since it was last asked.
  void add(std::span<const exchange::TryTally> tallies) {
    tallies_.insert(tallies_.end(), tallies.begin(), tallies.end());
  }
  // Twice a second, once all workers were asked. Those that it has put out.
  [[nodiscard]] std::vector<Verdict> look(const exchange::Config& config,
                                          exchange::EndpointHealth::Clock::time_point now);

 private:
  // A backend's endpoints for plaintext or for TLS: those that its requests choose among.
  struct List {
    routing::SuccessRates rates;
    absl::flat_hash_map<exchange::EndpointId, std::size_t> index;

    void follow(const std::vector<exchange::Endpoint>& endpoints);
    void add(const exchange::TryTally& tally);
  };
  struct Watched {
    List plain;
    List tls;
  };

  void watch_what_fails();

  std::vector<exchange::TryTally> tallies_;
  absl::flat_hash_map<routing::BackendId, Watched> watched_;
};

}  // namespace portico::server
