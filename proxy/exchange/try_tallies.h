// How many tries a worker has made at each endpoint since somebody asked, and how many failed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proxy/exchange/config.h"

namespace portico::exchange {

struct TryTally {
  routing::BackendId backend{};
  EndpointId endpoint{};
  std::uint32_t tries = 0;
  std::uint32_t failures = 0;
};

// Plain numbers in memory that nobody else touches. Of an endpoint that several backends have, the
// first of them that is counted is counted alone until the next take(): requests of different
// backends differ in how many fail, whatever the endpoint.
//
// Thread:    one per worker, used on its loop only.
// Memory:    grows with the ids that are met.
class TryTallies {
 public:
  void count(routing::BackendId backend, EndpointId endpoint, bool failed) {
    const auto index = static_cast<std::size_t>(endpoint);
    if (index >= slots_.size()) {
      grow(index + 1);
    }
    auto& slot = slots_[index];
    if (slot.tries == 0) {
      slot.backend = backend;
      touched_.push_back(endpoint);
    }
    if (slot.backend == backend) {
      ++slot.tries;
      slot.failures += failed ? 1 : 0;
    }
  }

  // All of them, and begins anew.
  [[nodiscard]] std::vector<TryTally> take();
  // The endpoint is no more; its id may come back as another's.
  void forget(EndpointId endpoint);

 private:
  struct Slot {
    routing::BackendId backend{};
    std::uint32_t tries = 0;
    std::uint32_t failures = 0;
  };
  void grow(std::size_t size);

  std::vector<Slot> slots_;          // by EndpointId
  std::vector<EndpointId> touched_;  // those that count; has room for every slot
};

}  // namespace portico::exchange
