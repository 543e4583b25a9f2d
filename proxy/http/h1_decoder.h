// HTTP/1 messages out of bytes (RFC 9112), strictly. What is allowed in a head is judged by
// rules.h.
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
  std::size_t target_bytes = 32 * 1024;  // 414 beyond
  std::size_t trailer_bytes = 8 * 1024;
  std::size_t chunk_extension_bytes = 4 * 1024;  // a message
};

// Why a message is refused: the status for the client (a backend's bad answer is 502 whatever this
// says) and a static text. No allocation.
struct ParseError {
  std::uint16_t status = 400;
  std::string_view reason;
};

// What a decoder found behind a head, in order: body pieces, then the end. Neither may destroy or
// feed the decoder; either may decide that it is not fed again.
class MessageSink {
 public:
  virtual void on_body(std::span<char> piece) = 0;  // a view into what was fed; never empty
  virtual void on_message_end(const FieldBlock* trailers) = 0;  // null: none; valid during the call

 protected:
  ~MessageSink() = default;
};

// One connection's requests, one after the other; memory is reused.
//
// What is accepted is RFC 9112 without its allowances, but for two empty lines before a request
// line. Bytes behind a message belong to the next one and are not taken.
//
// Thread:  worker-bound.
// Errors:  every reason to refuse a head is found by feed_head, those of a body by feed_body,
// before
//          anything unparsed is passed on; which one does not depend on how the bytes were cut.
//          After an error nothing more can be read from the connection; next_message() makes the
//          decoder fit for another one.
class RequestDecoder {
 public:
  explicit RequestDecoder(const Limits& limits);
  ~RequestDecoder();

  // Reads a head from the front of `bytes`. Returns how many bytes it took: 0 while it is not whole
  // (feed the same bytes again with more behind them: none is looked at twice). After that head()
  // is filled; a message without a body (or with Content-Length: 0) is then complete already, and
  // no sink is told.
  std::expected<std::size_t, ParseError> feed_head(std::span<const char> bytes);
  [[nodiscard]] RequestHead& head();
  // Bytes of the body; returns how many were taken (all, unless the message ended).
  std::expected<std::size_t, ParseError> feed_body(std::span<char> bytes, MessageSink& sink);
  [[nodiscard]] bool message_complete() const;  // false before its head
  void next_message();                          // ready for another head

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One connection's answers. HEAD and CONNECT change the framing of what comes, so the method is
// told first. 1xx answers are heads of their own, without a body: head().status says so, and
// next_message() is called behind them. A 101 that was not asked for is the caller's to refuse
// (head().upgrade), and so are bytes behind an answer.
//
// Thread:   worker-bound.
// Errors:   as RequestDecoder's; their status means nothing here.
class ResponseDecoder {
 public:
  explicit ResponseDecoder(const Limits& limits);
  ~ResponseDecoder();

  void expect_answer_to(Method method);  // holds until told otherwise
  std::expected<std::size_t, ParseError> feed_head(std::span<const char> bytes);
  [[nodiscard]] ResponseHead& head();
  std::expected<std::size_t, ParseError> feed_body(std::span<char> bytes, MessageSink& sink);
  // The connection ended: completes a body that runs until close, refuses any other message that is
  // not complete (one of which no head was read, too).
  std::expected<void, ParseError> feed_end(MessageSink& sink);
  [[nodiscard]] bool message_complete() const;
  void next_message();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace portico::http
