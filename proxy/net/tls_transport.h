// TLS over any other transport.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string_view>

#include "proxy/net/transport.h"

namespace portico::tls {
class Engine;
}

namespace portico::net {

class Loop;

// One handshake, begun by constructing it; server or client, as the engine is.
//
// Thread:    worker-bound.
// Lifetime:  destroying it gives up and closes. `done` may destroy it.
// Errors:    reach `done`, exactly once, never from inside the constructor: kTlsFailed, kTimedOut,
// or
//            what broke the transport below. On success the Transport's info() has SNI, ALPN,
//            protocol and cipher.
class TlsHandshake {
 public:
  using Handler =
      std::move_only_function<void(std::expected<std::unique_ptr<Transport>, TransportError>)>;

  TlsHandshake(Loop& loop, std::unique_ptr<Transport> below, std::unique_ptr<tls::Engine> engine,
               std::chrono::milliseconds timeout, Handler done);
  ~TlsHandshake();
  // Why the engine gave up, while `done` is told of kTlsFailed; else empty.
  [[nodiscard]] std::string_view failure() const;

  TlsHandshake(const TlsHandshake&) = delete;
  TlsHandshake& operator=(const TlsHandshake&) = delete;

 private:
  class Attempt;
  std::unique_ptr<Attempt> attempt_;
};

}  // namespace portico::net
