// What a worker remembers from one choice of an endpoint to the next.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "proxy/exchange/config.h"
#include "proxy/exchange/endpoint_share.h"
#include "proxy/exchange/panics.h"
#include "routing/balance.h"
#include "routing/edf.h"
#include "routing/endpoint_load.h"

namespace portico::exchange {

// Round robin's place in each backend, the lots of the other strategies, and the load of endpoints
// as this worker has made it. Survives every change of the Config.
//
// Thread:    one per worker, used on its loop only.
// Memory:    grows with the ids that are met; the load only where a strategy goes by it, turns by
//            weight only where there are weights.
class Balancers {
 public:
  // `seed` differs from worker to worker, so that they do not all begin with the same endpoint;
  // `lots` from process to process too, so that replicas do not all draw the same.
  explicit Balancers(std::uint32_t seed, std::uint64_t lots) : seed_(seed), lots_(lots) {}

  // Whose turn it is. `tls`: of the backend's list for requests that came by TLS, which has turns
  // of its own.
  template <class Skips>
  std::size_t next_turn(routing::BackendId backend, bool tls, std::span<const Endpoint> endpoints,
                        Skips skips) {
    const auto name_at = [endpoints](std::size_t index) {
      return static_cast<std::uint32_t>(endpoints[index].id);
    };
    return turns(backend, tls).pick(endpoints.size(), name_at, skips);
  }

  // The same by weight; `endpoints`: one of the backend's lists, or the near ones at its head,
  // which have turns of their own.
  template <class Skips>
  std::size_t next_turn_by_weight(routing::BackendId id, const Backend& backend,
                                  std::span<const Endpoint> endpoints, SlowStart slow_start,
                                  Skips skips) {
    const auto name_at = [endpoints](std::size_t index) {
      return static_cast<std::uint32_t>(endpoints[index].id);
    };
    const auto share_at = [=](std::size_t index) { return slow_start.share_of(endpoints[index]); };
    return turns_by_weight(id, backend, endpoints)
        .pick(endpoints.data(), endpoints.size(), name_at, share_at, skips);
  }

  routing::Lots& lots() { return lots_; }

  Panics& panics() { return panics_; }

  // Good until the next call.
  routing::EndpointLoad& load(EndpointId endpoint) { return slot(endpoint).load; }
  // Which endpoint an id stands for: another number, another one.
  std::uint32_t life(EndpointId endpoint) { return slot(endpoint).life; }
  // The endpoint is no more; its id may come back as another's.
  void forget(EndpointId endpoint);

 private:
  struct Turns {
    routing::RoundRobin plain;
    routing::RoundRobin tls;
  };
  struct Slot {
    routing::EndpointLoad load;
    std::uint32_t life = 0;
  };
  // By whether the list is the one for TLS, and whether it is of near ones only.
  using TurnsByWeight = std::array<std::unique_ptr<routing::WeightedTurns>, 4>;

  [[nodiscard]] std::uint32_t seed_of(std::size_t backend) const;
  routing::RoundRobin& turns(routing::BackendId backend, bool tls);
  routing::WeightedTurns& turns_by_weight(routing::BackendId id, const Backend& backend,
                                          std::span<const Endpoint> endpoints);
  Slot& slot(EndpointId endpoint);

  std::uint32_t seed_;
  routing::Lots lots_;
  Panics panics_;
  std::vector<Turns> turns_;                    // by BackendId
  std::vector<TurnsByWeight> turns_by_weight_;  // likewise
  std::vector<Slot> slots_;                     // by EndpointId
};

}  // namespace portico::exchange
