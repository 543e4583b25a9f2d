#include "proxy/http/body_decoder.h"

#include <algorithm>

namespace portico::http {

void BodyDecoder::begin(Framing framing, std::uint64_t content_length, const Limits& limits,
                        FieldSource trailers) {
  framing_ = framing;
  remaining_ = content_length;
  complete_ = framing == Framing::kNone || (framing == Framing::kLength && content_length == 0);
  if (framing == Framing::kChunked) {
    chunked_.begin(limits, trailers);
  }
}

std::expected<std::size_t, ParseError> BodyDecoder::feed(std::span<char> bytes, MessageSink& sink) {
  if (complete_ || bytes.empty()) {
    return 0;
  }
  if (framing_ == Framing::kChunked) {
    const auto taken = chunked_.feed(bytes, sink);
    if (taken && chunked_.complete()) {
      complete_ = true;
      sink.on_message_end(chunked_.trailers().size() == 0 ? nullptr : &chunked_.trailers());
    }
    return taken;
  }
  if (framing_ == Framing::kUntilClose) {
    sink.on_body(bytes);
    return bytes.size();
  }
  const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  remaining_ -= piece;
  complete_ = remaining_ == 0;
  sink.on_body(bytes.first(piece));
  if (remaining_ == 0) {
    sink.on_message_end(nullptr);
  }
  return piece;
}

std::expected<void, ParseError> BodyDecoder::feed_end(MessageSink& sink) {
  if (complete_) {
    return {};
  }
  if (framing_ != Framing::kUntilClose) {
    return std::unexpected(ParseError{.status = 400, .reason = "the body was cut short"});
  }
  complete_ = true;
  sink.on_message_end(nullptr);
  return {};
}

}  // namespace portico::http
