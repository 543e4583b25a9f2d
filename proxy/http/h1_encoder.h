// HTTP/1 messages into bytes, appended to a string that the caller reuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/message.h"

namespace portico::http {

// Writes one head in one pass: a start line, fields, end().
//
// Lifetime: refers to `out`.
// Errors:   none; a byte that could end a line (or any control byte but HTAB) in what it is given
// is
//           a bug of the caller, who has it from a decoder that refuses such bytes; builds with
//           assertions stop there.
class HeadWriter {
 public:
  explicit HeadWriter(std::string& out) : out_(out) {}

  void request_line(std::string_view method, std::string_view target);
  void status_line(std::uint16_t status, std::string_view reason);  // empty: the standard phrase
  void field(std::string_view name, std::string_view value);
  void number_field(std::string_view name, std::uint64_t value);
  void end();

 private:
  std::string& out_;
};

// "<hex size>\r\n"; "\r\n" follows the data. Never for size 0: that would end the body.
void append_chunk_header(std::string& out, std::size_t size);
// The end of a chunked body; `trailers` may be null.
void append_last_chunk(std::string& out, const FieldBlock* trailers);

}  // namespace portico::http
