// Chunked bodies (RFC 9112 7.1), taken apart byte by byte, strictly.
//
// Not Beast's: it wants a chunk's whole header and the whole trailer section in one buffer, allows
// spaces behind a size, and bounds neither extensions nor trailers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "proxy/http/field_reader.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/http/line_scanner.h"
#include "proxy/http/message.h"

namespace portico::http {

// Thread: worker-bound.
// Errors: anything but 1*HEXDIG [ extensions ] CRLF before a chunk, a size of 2^60 or more, no CRLF
// behind a chunk's
//         data, too many bytes of extensions or trailers, a malformed trailer. Independent of how
//         bytes were cut.
class ChunkedDecoder {
 public:
  void begin(const Limits& limits, FieldSource trailers);
  // Takes all bytes, or those up to the end of the body. Pieces of data go to `sink`; the end does
  // not.
  std::expected<std::size_t, ParseError> feed(std::span<char> bytes, MessageSink& sink);
  [[nodiscard]] bool complete() const { return state_ == State::kComplete; }
  [[nodiscard]] const FieldBlock& trailers() const { return trailers_; }

 private:
  enum class State : std::uint8_t {
    kSizeStart,  // at least one digit
    kSize,
    kExtensionStart,  // behind ';'
    kExtensionName,
    kExtensionAfterName,
    kExtensionValueStart,  // behind '='
    kExtensionToken,
    kExtensionQuoted,
    kExtensionEscape,
    kExtensionAfterValue,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailers,
    kComplete,
  };
  std::expected<void, ParseError> step(char c);
  std::expected<void, ParseError> step_size(char c);
  std::expected<void, ParseError> step_extension(char c);
  bool end_extension_part(char c);
  std::expected<std::size_t, ParseError> feed_trailers(std::string_view bytes);

  Limits limits_;
  State state_ = State::kComplete;
  std::uint64_t size_ = 0;  // of the chunk; then what is left of it
  std::size_t digits_ = 0;
  std::size_t extension_bytes_ = 0;
  std::string trailer_text_;
  LineScanner scanner_;
  FieldReader trailer_reader_{FieldSource::kRequestTrailer};
  FieldBlock trailers_;
};

}  // namespace portico::http
