// Connecting to an address.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>

#include "proxy/net/socket_address.h"
#include "proxy/net/transport.h"

namespace portico::net {

class Loop;

// One attempt, begun by constructing it.
//
// Thread:    worker-bound.
// Lifetime:  destroying it gives up, and nothing is called any more. `done` may destroy it.
// Errors:    reach `done`, exactly once, never from inside the constructor: kConnectRefused,
//            kConnectFailed, kTimedOut.
class Connector {
 public:
  using Handler =
      std::move_only_function<void(std::expected<std::unique_ptr<Transport>, TransportError>)>;

  Connector(Loop& loop, const SocketAddress& to, std::chrono::milliseconds timeout, Handler done);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

 private:
  class Attempt;
  std::unique_ptr<Attempt> attempt_;
};

}  // namespace portico::net
