#include "proxy/upstream/connection_place.h"

#include <algorithm>

namespace portico::upstream {

ConnectionTurn::ConnectionTurn(net::Loop& loop, exchange::Circuit& circuit,
                               std::chrono::milliseconds timeout, Handler done)
    : circuit_(circuit),
      done_(std::move(done)),
      deadline_(loop, [this] { std::exchange(done_, nullptr)(std::nullopt); }),
      turn_(circuit.connections.wait(
          loop, *this, std::max(exchange::CircuitLimits::kPending, circuit.connections.limit()))) {
  if (!turn_) {
    deadline_.arm(std::chrono::milliseconds(0));
    return;
  }
  deadline_.arm(timeout);
  circuit.ask_for_room();
}

void ConnectionTurn::on_turn() {
  deadline_.cancel();
  std::exchange(done_, nullptr)(ConnectionPlace(&circuit_));
}

}  // namespace portico::upstream
