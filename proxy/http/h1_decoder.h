// HTTP/1 messages out of bytes (RFC 9112), strictly: Beast's basic_parser with its leniencies closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string_view>

#include "proxy/http/message.h"

namespace portico::http {

struct Limits {
  std::size_t head_bytes = 64 * 1024;
  std::size_t fields = 100;
  std::size_t target_bytes = 32 * 1024;        // 414 beyond
  std::size_t trailer_bytes = 8 * 1024;
  std::size_t chunk_extension_bytes = 4 * 1024;  // a message
};

// Why a message is refused: the status for the client (a backend's bad answer is 502 whatever this says) and a static
// text. No allocation.
struct ParseError {
  std::uint16_t status = 400;
  std::string_view reason;
};

// What a decoder found, in order: one head, then body pieces, then the end with trailers.
class MessageSink {
 public:
  virtual void on_body(std::span<char> piece) = 0;       // a view into what was fed
  virtual void on_message_end(const FieldBlock* trailers) = 0;  // null: none

 protected:
  ~MessageSink() = default;
};

// One connection's requests, one after the other; memory is reused.
//
// Thread: worker-bound. Every reason to refuse is found by feed_head, feed_body: nothing unparsed is passed on.
class RequestDecoder {
 public:
  explicit RequestDecoder(const Limits& limits);
  ~RequestDecoder();

  // Reads a head from the front of `bytes`. Returns how many bytes it took: 0 while it is not whole (feed the same
  // bytes again with more behind them). After that head() is filled.
  std::expected<std::size_t, ParseError> feed_head(std::span<const char> bytes);
  [[nodiscard]] RequestHead& head();
  // Bytes of the body; returns how many were taken (all, unless the message ended). Calls `sink`, which may stop the
  // decoder from being fed again but must not destroy it.
  std::expected<std::size_t, ParseError> feed_body(std::span<char> bytes, MessageSink& sink);
  [[nodiscard]] bool message_complete() const;
  void next_message();  // ready for another head

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One connection's answers. HEAD and CONNECT change the framing of what comes, so the method is told first.
// 1xx answers are heads of their own: head().status says so, and next_message() is called behind them.
class ResponseDecoder {
 public:
  explicit ResponseDecoder(const Limits& limits);
  ~ResponseDecoder();

  void expect_answer_to(Method method);
  std::expected<std::size_t, ParseError> feed_head(std::span<const char> bytes);
  [[nodiscard]] ResponseHead& head();
  std::expected<std::size_t, ParseError> feed_body(std::span<char> bytes, MessageSink& sink);
  // The connection ended: completes a body that runs until close, refuses any other that is not complete.
  std::expected<void, ParseError> feed_end(MessageSink& sink);
  [[nodiscard]] bool message_complete() const;
  void next_message();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace portico::http
