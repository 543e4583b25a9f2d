// Connecting to an address.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <utility>

#include "proxy/net/socket_address.h"
#include "proxy/net/transport.h"

namespace portico::net {

class Loop;

struct ConnectOptions {
  std::chrono::milliseconds timeout;
  // How long what was sent may go unacknowledged, and a peer silent to probes, before the
  // connection is broken with kTimedOut (TCP_USER_TIMEOUT). 0: the kernel's quarter of an hour.
  std::chrono::milliseconds unacknowledged_limit{0};
  // Probes a connection that has been silent this long, and so on. 0: never.
  std::chrono::seconds keepalive{0};
};

// One attempt, begun by constructing it.
//
// Thread:    worker-bound.
// Lifetime:  destroying it gives up, and nothing is called any more. `done` may destroy it.
// Errors:    reach `done`, exactly once, never from inside the constructor: kConnectRefused,
//            kConnectFailed, kTimedOut; kOther where this machine has no descriptor, port or memory
//            for it.
class Connector {
 public:
  using Handler =
      std::move_only_function<void(std::expected<std::unique_ptr<Transport>, TransportError>)>;

  Connector(Loop& loop, const SocketAddress& to, const ConnectOptions& options, Handler done);
  Connector(Loop& loop, const SocketAddress& to, std::chrono::milliseconds timeout, Handler done)
      : Connector(loop, to, ConnectOptions{.timeout = timeout}, std::move(done)) {}
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

 private:
  class Attempt;
  std::unique_ptr<Attempt> attempt_;
};

}  // namespace portico::net
