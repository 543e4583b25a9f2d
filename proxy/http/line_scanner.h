// The lines of a head, found strictly: CRLF and nothing else ends one (RFC 9112 2.2).
#pragma once

#include <cstddef>
#include <string_view>

namespace portico::http {

// Finds line after line in bytes that grow between calls, looking at no byte twice.
//
// Errors: a bare CR, a bare LF, NUL or any other control byte but HTAB; a line that does not end
// within the limit.
//         Which one is reported depends on the bytes alone, never on how they were cut into calls.
class LineScanner {
 public:
  enum class Result {
    kLine,
    kMore,     // no whole line yet: call again with the same bytes and more behind them
    kBadByte,  // reason() says which
    kTooLong,  // no line end before `limit`
  };

  // Looks for the next line of `bytes`, which begin where they began the last time.
  Result next(std::string_view bytes, std::size_t limit);
  [[nodiscard]] std::string_view line() const {
    return line_;
  }  // without CRLF; a view into `bytes`
  [[nodiscard]] std::size_t offset() const { return line_begin_; }  // behind the last line found
  [[nodiscard]] std::string_view reason() const { return reason_; }
  void reset() { *this = LineScanner{}; }

 private:
  std::string_view line_;
  std::string_view reason_;
  std::size_t line_begin_ = 0;
  std::size_t scanned_ = 0;
};

// The first byte below 0x20 that is not HTAB, or 0x7f; `end` if there is none.
const char* find_control(const char* begin, const char* end);

}  // namespace portico::http
