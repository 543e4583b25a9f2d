// Where an exchange gets its stream to an endpoint.
#pragma once

#include <chrono>
#include <memory>

#include "proxy/exchange/config.h"
#include "proxy/exchange/stream.h"

namespace portico::exchange {

class AcquireSink {
 public:
  virtual void on_acquired(ClientStream& stream) = 0;
  virtual void on_acquire_failed(const routing::ProxyError& error) = 0;

 protected:
  ~AcquireSink() = default;
};

// A connect under way; destroying it gives up.
class PendingAcquire {
 public:
  virtual ~PendingAcquire() = default;
};

enum class Reuse : bool { kAllowed, kFresh };

class Upstreams {
 public:
  struct Acquired {
    ClientStream* stream = nullptr;           // a warm connection, at once
    std::unique_ptr<PendingAcquire> pending;  // or one call of the AcquireSink, later
  };
  virtual Acquired acquire(const Endpoint& endpoint, Reuse reuse,
                           std::chrono::milliseconds connect_timeout, ResponseSink& sink,
                           AcquireSink& waiter) = 0;

 protected:
  ~Upstreams() = default;
};

}  // namespace portico::exchange
