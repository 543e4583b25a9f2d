// The seam between the exchange and the protocols: one request, or one answer, as a stream.
//
//   client  ──  ServerStream  <──>  Exchange  <──>  ClientStream  ──  backend
//                 downstream/                          upstream/
//
// A stream is written to by the exchange and tells a sink what comes from its peer. Credit flows
// against the bytes: nothing is told before read_more(true), and kWait from a write stops the other
// side's reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/exchange/edit.h"
#include "proxy/http/message.h"
#include "routing/proxy_error.h"

namespace portico::exchange {

enum class Flow : bool { kGo, kWait };

// Common to both directions. Pieces that are written may be held back until flush(), so that a head
// and the body piece behind it leave in one system call; whoever delivers bytes calls flush at the
// end of its turn.
class Stream {
 public:
  virtual Flow write_body(std::span<const char> piece) = 0;
  virtual void end(const http::FieldBlock* trailers) = 0;
  virtual void flush() = 0;
  // Credit for the peer's body. Takes effect at once when withdrawn; bytes that wait are delivered
  // from the loop.
  virtual void read_more(bool credit) = 0;

 protected:
  ~Stream() = default;
};

// Towards the client.
class ServerStream : public Stream {
 public:
  // 1xx other than 101: a head of its own, more follows.
  virtual void send_interim(const OutgoingResponse& response) = 0;
  virtual void send_head(const OutgoingResponse& response) = 0;
  // The answer can't be completed: the client must see the cut.
  virtual void abort() = 0;
  // The exchange is over and lets go of the stream: its last call. An answer that was neither ended
  // nor aborted was not begun (the client itself is gone).
  virtual void finished() = 0;

 protected:
  ~ServerStream() = default;
};

// Towards the backend.
class ClientStream : public Stream {
 public:
  // `body_follows`: the first body piece comes in this turn, hold the head back for it.
  virtual void send_head(const OutgoingRequest& request, bool body_follows) = 0;
  // Whether any of this request has left for the backend.
  [[nodiscard]] virtual bool has_sent() const = 0;
  // What was written and the backend has not taken: it shrinks while it reads.
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
  // Ends the exchange's use of the stream, whatever its state. No sink call follows. The connection
  // is kept only if its message ended cleanly.
  virtual void release() = 0;

 protected:
  ~ClientStream() = default;
};

// What the client's side tells the exchange.
class RequestSink {
 public:
  virtual void on_request_body(std::span<const char> piece) = 0;
  virtual void on_request_end(const http::FieldBlock* trailers) = 0;
  virtual void on_request_flush() = 0;    // this turn's bytes are all told
  virtual void on_client_writable() = 0;  // after Flow::kWait
  virtual void on_client_error(const routing::ProxyError& error) = 0;  // gone, slow or malformed
  virtual void on_client_half_closed() = 0;  // behind the whole request; it may still read

 protected:
  ~RequestSink() = default;
};

// What the backend's side tells the exchange.
class ResponseSink {
 public:
  virtual void on_response_head(http::ResponseHead& head) = 0;
  virtual void on_response_body(std::span<const char> piece) = 0;
  virtual void on_response_end(const http::FieldBlock* trailers) = 0;
  virtual void on_response_flush() = 0;
  virtual void on_upstream_writable() = 0;
  // The stream is of no use any more; release() it.
  virtual void on_upstream_error(const routing::ProxyError& error) = 0;

 protected:
  ~ResponseSink() = default;
};

}  // namespace portico::exchange
