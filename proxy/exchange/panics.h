// Whether too few of a backend's endpoints serve to leave the others alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proxy/exchange/config.h"

namespace portico::exchange {

// What one worker has counted; counted again only after some endpoint was ejected or has returned.
//
// Thread:    one per worker, used on its loop only.
// Memory:    grows with the ids of backends that ask for it.
class Panics {
 public:
  enum class Level : std::uint8_t {
    kNone,
    kNear,  // too few near ones serve: requests go to far ones, too
    kAll,   // too few of all serve: they go to those that are ejected, too
  };

  // `percent` of the endpoints are enough. `endpoints` are one of the backend's lists.
  Level look(routing::BackendId id, const Backend& backend, std::span<const Endpoint> endpoints,
             std::uint8_t percent);

  // Backends may be others now.
  void forget() { seen_.clear(); }

 private:
  struct Seen {
    const Endpoint* endpoints = nullptr;
    std::uint32_t changes = 0;
    Level level = Level::kNone;
  };
  std::vector<Seen> seen_;  // by BackendId and list
};

}  // namespace portico::exchange
