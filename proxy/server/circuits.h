// The circuits of all backends that have limits.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "proxy/exchange/circuit.h"
#include "routing/route_table.h"
#include "routing/snapshot.h"

namespace portico::server {

// A backend keeps its circuit as long as it is there, whatever becomes of its limits, so that what
// is under way stays counted. One that is gone gives its circuit up to another once nothing is
// counted in it any more.
//
// Thread:    the controller's.
// Lifetime:  longer than every worker.
class Circuits {
 public:
  // Null where nothing is limited.
  exchange::Circuit* set(routing::BackendId backend, const routing::BackendSpec& spec,
                         const routing::CircuitSpec& by_default);
  void erase(routing::BackendId backend);

 private:
  exchange::Circuit& take();

  std::deque<exchange::Circuit> all_;
  std::vector<exchange::Circuit*> by_backend_;  // null: it never had one
  std::vector<exchange::Circuit*> left_;        // of backends that are gone
};

}  // namespace portico::server
