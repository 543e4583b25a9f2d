// A client's connection, whichever protocol it speaks.
#pragma once

#include <cstddef>
#include <memory>

#include "proxy/exchange/reaper.h"
#include "proxy/net/transport.h"

namespace portico::downstream {

// Thread:    worker-bound.
// Lifetime:  the owner's, until on_closed.
class Connection : public exchange::Mortal {
 public:
  // Begins to read. Apart from the constructor, since the owner must hold the connection first.
  virtual void start() = 0;
  // Closes as soon as nothing is open; a connection that has had no request yet may still bring its
  // first one.
  virtual void drain() = 0;
  // Closes whatever is open.
  virtual void close() = 0;
  // To make room. False where it serves a request or is about to, or has not had one yet.
  virtual bool close_if_idle() = 0;

  std::size_t index = 0;  // the owner's place for it
};

class ConnectionOwner {
 public:
  // The connection is closed; hand it to the reaper.
  virtual void on_closed(Connection& connection) = 0;
  // A client speaks HTTP/2 from its first byte on (RFC 9113 3.3): its preface is what `transport`
  // will offer first. The connection that found out is closed next.
  virtual void serve_h2(std::unique_ptr<net::Transport> transport) = 0;

 protected:
  ~ConnectionOwner() = default;
};

}  // namespace portico::downstream
