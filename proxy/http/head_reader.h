// A head line by line: the loop that requests and answers share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <expected>
#include <string_view>

#include "proxy/http/field_reader.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/http/line_scanner.h"
#include "proxy/http/message.h"

namespace portico::http {

struct StartLineRules {
  std::size_t bytes;        // the longest start line
  std::size_t empty_lines;  // tolerated before it (RFC 9112 2.2)
  std::uint16_t too_long_status;
};

// Reads one head from bytes that grow between calls. Every line is judged as soon as it is whole,
// so that what is no HTTP is refused without waiting for more.
//
// Thread: worker-bound.
class HeadReader {
 public:
  explicit HeadReader(FieldSource source) : field_reader_(source) {}

  // Returns the size of the head, 0 while it is not whole. `read_start_line` is called once, with
  // the start line; the fields land in `fields`.
  template <typename ReadStartLine>
  std::expected<std::size_t, ParseError> read(std::string_view bytes, const Limits& limits,
                                              const StartLineRules& rules, FieldBlock& fields,
                                              ReadStartLine read_start_line) {
    while (fields_begin_ == 0) {
      const std::size_t limit =
          std::min(limits.head_bytes, scanner_.offset() + rules.bytes + kLineEndBytes);
      switch (scanner_.next(bytes, limit)) {
        case LineScanner::Result::kMore:
          return 0;
        case LineScanner::Result::kBadByte:
          return refuse(400, scanner_.reason());
        case LineScanner::Result::kTooLong:
          return refuse(rules.too_long_status, "start line too long");
        case LineScanner::Result::kLine:
          break;
      }
      const std::string_view line = scanner_.line();
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
    return field_reader_.read(scanner_, bytes, fields_begin_,
                              {.bytes = limits.head_bytes, .lines = limits.fields}, fields);
  }
  void reset() {
    scanner_.reset();
    field_reader_.reset();
    fields_begin_ = 0;
    empty_lines_ = 0;
  }

 private:
  static constexpr std::size_t kLineEndBytes = 2;

  static std::unexpected<ParseError> refuse(std::uint16_t status, std::string_view reason) {
    return std::unexpected(ParseError{.status = status, .reason = reason});
  }

  LineScanner scanner_;
  FieldReader field_reader_;
  std::size_t fields_begin_ = 0;  // 0: the start line has not been read
  std::size_t empty_lines_ = 0;
};

}  // namespace portico::http
