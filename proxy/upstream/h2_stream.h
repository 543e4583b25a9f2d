// One request on a backend's HTTP/2 connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "proxy/exchange/stream.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/http/h2_session.h"
#include "proxy/http/message.h"
#include "proxy/upstream/byte_queue.h"

namespace portico::upstream {

class H2Stream;

// What a stream asks of its connection.
class H2StreamOwner {
 public:
  virtual http::H2Session& session() = 0;
  // What the session has leaves when the loop's turn is over.
  virtual void send_later() = 0;
  // deliver() is called from the loop, or once the session is off the stack.
  virtual void deliver_later(H2Stream& stream) = 0;
  // Its exchange is told that the turn is over.
  virtual void touch(H2Stream& stream) = 0;
  // What was written and the socket has not taken.
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
  [[nodiscard]] virtual bool is_tls() const = 0;
  // The session, or the exchange, has let go of it.
  virtual void on_let_go(H2Stream& stream) = 0;

 protected:
  ~H2StreamOwner() = default;
};

// Lent to one exchange, and then to another: the object is used again, the stream's id is not.
//
// Bytes that come while there is no credit wait here, at most a stream's window of them: the
// endpoint gets the window back as the exchange takes them, while the connection's is given back at
// once. So a client that does not read stops its own stream, and no other.
//
// Thread:    worker-bound.
// Lifetime:  its connection's. Nothing is told from inside a call that the exchange makes.
// Errors:    an answer that breaks RFC 9113 8, and any end before it is whole.
class H2Stream final : public exchange::ClientStream, private http::H2StreamEvents {
 public:
  H2Stream(H2StreamOwner& owner, const http::Limits& limits) : owner_(owner), limits_(limits) {}

  void lend(exchange::ResponseSink& sink);
  // Tells what waits: bytes, ends, failures.
  void deliver();
  void tell_flush();
  // The connection is gone, and the session calls no more. `is_malformed`: for what the endpoint
  // sent.
  void on_connection_lost(bool is_malformed);
  void mark_sent() { sent_ = true; }
  // Neither the session nor an exchange knows it any more.
  [[nodiscard]] bool is_free() const { return closed_ && sink_ == nullptr; }
  [[nodiscard]] bool is_open() const { return !closed_; }
  bool due = false;      // the connection's: deliver() is to be called
  bool touched = false;  // the connection's: told something in this turn

  // ClientStream
  void send_head(const exchange::OutgoingRequest& request, bool body_follows) override;
  exchange::Flow write_body(std::span<const char> piece) override;
  void end(const http::FieldBlock* trailers) override;
  void flush() override;
  void read_more(bool credit) override;
  [[nodiscard]] bool has_sent() const override { return sent_; }
  [[nodiscard]] std::size_t unsent_bytes() const override;
  void release() override;

 private:
  // H2StreamEvents
  bool on_field(std::string_view name, std::string_view value) override;
  void on_fields_end(bool end_stream) override;
  void on_data(std::span<const char> piece) override;
  void on_data_end() override;
  http::H2Supply supply(std::size_t limit) override;
  void take(std::span<char> to) override;
  void on_end_sent() override { end_sent_ = true; }
  void on_stream_closed(http::H2Error error) override;

  enum class Answer : std::uint8_t { kHead, kBody, kWhole };

  void take_head(bool end_stream);
  void take_trailers();
  void fail(const routing::ProxyError& error);
  void deliver_bytes();

  H2StreamOwner& owner_;
  const http::Limits& limits_;
  exchange::ResponseSink* sink_ = nullptr;
  std::int32_t id_ = 0;
  http::ResponseHead head_;
  http::FieldBlock trailers_;
  ByteQueue incoming_;  // came without credit
  ByteQueue outgoing_;  // of the request's body
  http::H2FieldList sent_fields_;
  http::H2FieldList sent_trailers_;
  std::optional<routing::ProxyError> error_;  // to be told
  std::size_t section_bytes_ = 0;
  std::uint32_t interims_ = 0;
  Answer answer_ = Answer::kHead;
  bool asked_by_head_ = false;  // the method is HEAD
  bool closed_ = true;          // the session has let go
  bool sent_ = false;
  bool has_body_ = false;
  bool ended_ = false;     // the request is
  bool end_sent_ = false;  // and has left
  bool credit_ = false;
  bool waits_ = false;     // kWait was said
  bool writable_ = false;  // to be told
  bool has_trailers_ = false;
  bool end_told_ = false;
};

}  // namespace portico::upstream
