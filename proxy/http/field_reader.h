// Field lines into a FieldBlock (RFC 9112 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "proxy/http/h1_decoder.h"
#include "proxy/http/line_scanner.h"
#include "proxy/http/message.h"

namespace portico::http {

enum class FieldSource : std::uint8_t {
  kRequest,  // names with '_' are left out: CGI-like backends take them for the name with '-'
  kRequestTrailer,  // and forbidden trailers too
  kResponse,
  kResponseTrailer,  // forbidden trailers are left out
};

// Reads one section, up to and with the empty line behind its last field line, from bytes that grow
// between calls. A line is judged as soon as it is whole.
//
// Thread: worker-bound.
// Errors: LineScanner's; 400 for a folded line, a name that is empty or no token (so also a space
//         before the colon), a Connection that is no list of tokens, a trailer that names framing;
//         431 beyond a limit. What it lets pass in a head is judged by rules.h.
class FieldReader {
 public:
  struct Bounds {
    std::size_t bytes;  // of all that the scanner has seen
    std::size_t lines;
  };

  explicit FieldReader(FieldSource source) : source_(source) {}
  // `scanner` stands where the section begins, at `begin`, or where the last call left it. Returns
  // the offset behind the section, 0 while it is not whole; only then may `fields` be looked at.
  std::expected<std::size_t, ParseError> read(LineScanner& scanner, std::string_view bytes,
                                              std::size_t begin, const Bounds& bounds,
                                              FieldBlock& fields);
  void reset() { lines_ = 0; }

 private:
  enum class Verdict : std::uint8_t { kFine, kBadName, kBadList, kFraming };
  Verdict take_line(std::string_view line, std::size_t offset, const char* end,
                    FieldBlock& fields) const;
  static std::string_view reason_of(Verdict verdict, std::string_view line);

  [[nodiscard]] bool is_request() const {
    return source_ == FieldSource::kRequest || source_ == FieldSource::kRequestTrailer;
  }
  [[nodiscard]] bool is_trailer() const {
    return source_ == FieldSource::kRequestTrailer || source_ == FieldSource::kResponseTrailer;
  }

  FieldSource source_;
  std::size_t lines_ = 0;
};

}  // namespace portico::http
