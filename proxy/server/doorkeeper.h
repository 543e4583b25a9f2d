// Who is let in: fresh connections, as far as limits and memory allow.
#pragma once

#include <cstdint>

#include "proxy/exchange/context.h"
#include "proxy/net/listener.h"
#include "proxy/server/connection_limits.h"

namespace portico::server {

// Connections closed unserved, and why.
struct Refusals {
  std::uint64_t too_many = 0;
  std::uint64_t too_many_of_client = 0;
  std::uint64_t no_memory = 0;
};

class DoorkeeperOwner {
 public:
  // Closes a connection of this worker that serves nobody now; false: found none.
  virtual bool let_idle_go() = 0;

 protected:
  ~DoorkeeperOwner() = default;
};

// Where there are as many connections as there may be, an idle one of the same worker makes room;
// where there is none, the fresh one is refused: with a 503 and Retry-After if it speaks plain
// HTTP, else it is just closed.
//
// Thread:    worker-bound; the limits are shared.
class Doorkeeper {
 public:
  enum class Speaks : bool { kHttp, kTls };

  Doorkeeper(ConnectionLimits& limits, const exchange::Context& context, Refusals& refused,
             DoorkeeperOwner& owner)
      : limits_(limits), context_(context), refused_(refused), owner_(owner) {}

  // True: it may go on, and is counted until it is closed. False: it is closed.
  bool admit(net::AcceptedSocket& socket, Speaks speaks);

 private:
  bool refuse(net::AcceptedSocket& socket, Speaks speaks, std::uint64_t& count);

  ConnectionLimits& limits_;
  const exchange::Context& context_;
  Refusals& refused_;
  DoorkeeperOwner& owner_;
};

}  // namespace portico::server
