// A head line by line: the loop that requests and answers share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <expected>
#include <string_view>

#include "proxy/http/chars.h"
#include "proxy/http/field_reader.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/http/line_scanner.h"

namespace portico::http {

struct StartLineRules {
  std::size_t bytes;        // the longest start line
  std::size_t empty_lines;  // tolerated before it (RFC 9112 2.2)
  std::uint16_t too_long_status;
};

// Reads one head from bytes that grow between calls. The start line is judged as soon as it is
// whole, so that what is no HTTP is refused without waiting for more.
//
// Thread: worker-bound.
class HeadReader {
 public:
  // Returns the size of the head, 0 while it is not whole. `read_start_line` is called once, with
  // the start line.
  template <typename ReadStartLine>
  std::expected<std::size_t, ParseError> read(std::string_view bytes, const Limits& limits,
                                              const StartLineRules& rules,
                                              ReadStartLine read_start_line) {
    for (;;) {
      const bool in_fields = fields_begin_ != 0;
      const std::size_t limit =
          in_fields ? limits.head_bytes
                    : std::min(limits.head_bytes, scanner_.offset() + rules.bytes + 2);
      switch (scanner_.next(bytes, limit)) {
        case LineScanner::Result::kMore:
          return 0;
        case LineScanner::Result::kBadByte:
          return refuse(400, scanner_.reason());
        case LineScanner::Result::kTooLong:
          return in_fields ? refuse(431, "head too large")
                           : refuse(rules.too_long_status, "start line too long");
        case LineScanner::Result::kLine:
          break;
      }
      const std::string_view line = scanner_.line();
      if (in_fields) {
        if (line.empty()) {
          return scanner_.offset();
        }
        if (is_space(line.front())) {
          return refuse(400, "folded field line, or a space before the first");
        }
        if (++lines_ > limits.fields) {
          return refuse(431, "too many fields");
        }
        continue;
      }
      if (line.empty()) {
        if (++empty_lines_ > rules.empty_lines) {
          return refuse(400, "empty start line");
        }
        continue;
      }
      if (const std::expected<void, ParseError> judged = read_start_line(line); !judged) {
        return std::unexpected(judged.error());
      }
      fields_begin_ = scanner_.offset();
    }
  }
  // Where the field lines begin, once the start line has been read.
  [[nodiscard]] std::size_t fields_begin() const { return fields_begin_; }
  void reset() { *this = HeadReader{}; }

 private:
  static std::unexpected<ParseError> refuse(std::uint16_t status, std::string_view reason) {
    return std::unexpected(ParseError{.status = status, .reason = reason});
  }

  LineScanner scanner_;
  std::size_t fields_begin_ = 0;
  std::size_t lines_ = 0;
  std::size_t empty_lines_ = 0;
};

}  // namespace portico::http
