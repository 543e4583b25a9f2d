// The body behind a head, by whichever framing the head declared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "proxy/http/chunked_decoder.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/http/message.h"

namespace portico::http {

// Thread: worker-bound. Reused message after message.
class BodyDecoder {
 public:
  void begin(Framing framing, std::uint64_t content_length, const Limits& limits,
             FieldSource trailers);
  // Takes all bytes, or those up to the end of the message, which `sink` is then told.
  std::expected<std::size_t, ParseError> feed(std::span<char> bytes, MessageSink& sink);
  // The peer closed: the end of a body without other framing, an error in any other.
  std::expected<void, ParseError> feed_end(MessageSink& sink);
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  Framing framing_ = Framing::kNone;
  bool complete_ = true;
  std::uint64_t remaining_ = 0;
  ChunkedDecoder chunked_;
};

}  // namespace portico::http
