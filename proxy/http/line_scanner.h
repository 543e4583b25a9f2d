// The lines of a head, found strictly: CRLF and nothing else ends one (RFC 9112 2.2).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/http/scan.h"

namespace portico::http {

// Finds line after line in bytes that grow between calls. What it has seen it does not look at
// again, but for a block's worth at the seam between two calls.
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
  [[nodiscard]] bool find_hits(const char* begin, std::size_t size);
  Result no_line(const char* begin, std::size_t at, std::size_t size, std::size_t limit);

  std::string_view line_;
  std::string_view reason_;
  std::size_t line_begin_ = 0;
  // Bytes before scanned_ are lines, clean, or in hits_: a bit for each byte from hits_begin_ on
  // that may be a control byte.
  std::size_t scanned_ = 0;
  std::size_t hits_begin_ = 0;
  std::uint64_t hits_ = 0;
};

// Looks at the next bytes, until there are hits. False where there are none up to `size`.
[[gnu::always_inline]] inline bool LineScanner::find_hits(const char* begin, std::size_t size) {
#if defined(__SSE2__)
  while (hits_ == 0 && scanned_ < size && size >= scan::kWideBlock) {
    hits_begin_ = std::min(scanned_, size - scan::kWideBlock);
    hits_ = scan::maybe_controls(begin + hits_begin_) >> (scanned_ - hits_begin_);
    hits_ <<= scanned_ - hits_begin_;
    scanned_ = hits_begin_ + scan::kWideBlock;
  }
#endif
  if (hits_ == 0 && scanned_ < size) {
    hits_begin_ = static_cast<std::size_t>(find_control(begin + scanned_, begin + size) - begin);
    hits_ = hits_begin_ < size ? 1 : 0;
    scanned_ = std::min(hits_begin_ + 1, size);
  }
  return hits_ != 0;
}

// Inlined into the loop over field lines, whose copy of a scanner then lives in registers.
[[gnu::always_inline]] inline LineScanner::Result LineScanner::next(std::string_view bytes,
                                                                    std::size_t limit) {
  const std::size_t size = std::min(bytes.size(), limit);
  const char* const begin = bytes.data();
  while (find_hits(begin, size)) {
    const std::size_t at = hits_begin_ + static_cast<std::size_t>(std::countr_zero(hits_));
    if (at + 1 < size && std::string_view(begin + at, 2) == "\r\n") {
      line_ = {begin + line_begin_, at - line_begin_};
      line_begin_ = at + 2;
      scanned_ = std::max(scanned_, line_begin_);
      hits_ &= hits_ - 1;  // CR
      hits_ &= hits_ - 1;  // LF, where it lies among the hits
      return Result::kLine;
    }
    if (is_control_but_tab(begin[at])) {
      return no_line(begin, at, size, limit);
    }
    hits_ &= hits_ - 1;
  }
  return size == limit ? Result::kTooLong : Result::kMore;
}

inline LineScanner::Result LineScanner::no_line(const char* begin, std::size_t at, std::size_t size,
                                                std::size_t limit) {
  const bool is_cr = begin[at] == '\r';
  if (is_cr && at + 1 == size) {
    return size == limit ? Result::kTooLong : Result::kMore;
  }
  if (is_cr) {
    reason_ = "bare CR in the head";
  } else {
    reason_ = begin[at] == '\n' ? "bare LF in the head" : "control byte in the head";
  }
  return Result::kBadByte;
}

}  // namespace portico::http
