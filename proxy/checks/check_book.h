// What checks have found, for people: why endpoints are ill, and how many checks passed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "proxy/exchange/endpoint_health.h"
#include "tls/mutex.h"

namespace portico::checks {

// How backends are called in metrics: several may have the same name, being the same Service port
// talked to in several ways.
struct ServicePort {
  std::string namespace_, service, port;
  auto operator<=>(const ServicePort&) const = default;
};

// Thread: any.
class CheckBook {
 public:
  struct Count {
    ServicePort of;
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
  };

  // Sets it ill or well, with the reason first: who sees an endpoint that is ill finds one.
  void set(exchange::EndpointHealth& health, bool is_ill, std::string reason);
  // Why it is ill, by its last check; "" where it is not.
  [[nodiscard]] std::string reason(const exchange::EndpointHealth& health) const;

  // A backend by this name is checked from now on; no more.
  void open(const ServicePort& name);
  void close(const ServicePort& name);
  void count(const ServicePort& name, bool passed);
  [[nodiscard]] std::vector<Count> counts() const;

 private:
  struct Counts {
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
    std::uint32_t backends = 0;
  };
  mutable tls::Mutex mutex_;
  absl::flat_hash_map<const exchange::EndpointHealth*, std::string> reasons_
      PORTICO_GUARDED_BY(mutex_);
  std::map<ServicePort, Counts> counts_ PORTICO_GUARDED_BY(mutex_);
};

}  // namespace portico::checks
