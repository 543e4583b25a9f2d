// A PROXY header at the start of a connection, read before anything else is.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>

#include "proxy/net/listener.h"
#include "proxy/net/transport.h"

namespace portico::net {

class Loop;

enum class ProxyHandshakeError : std::uint8_t {
  kMalformed,  // no header, or a broken one
  kTimedOut,
  kBroken,  // the peer has gone
};

// One wait, begun by constructing it.
//
// Thread:    worker-bound.
// Lifetime:  destroying it gives up and closes. `done` may destroy it.
// Errors:    reach `done`, exactly once, never from inside the constructor. On success info() says
//            what the header announced, and what came behind the header is offered to the
//            Transport's next sink.
class ProxyHandshake {
 public:
  using Handler =
      std::move_only_function<void(std::expected<std::unique_ptr<Transport>, ProxyHandshakeError>)>;

  ProxyHandshake(Loop& loop, AcceptedSocket socket, std::chrono::milliseconds timeout,
                 Handler done);
  ~ProxyHandshake();
  ProxyHandshake(const ProxyHandshake&) = delete;
  ProxyHandshake& operator=(const ProxyHandshake&) = delete;

 private:
  class Attempt;
  std::unique_ptr<Attempt> attempt_;
};

}  // namespace portico::net
