#include "proxy/http/line_scanner.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "proxy/http/chars.h"

namespace portico::http {

#if defined(__SSE2__)
namespace {

// A bit for each of 16 bytes that is a control byte other than HTAB.
std::uint32_t controls_among_16(const char* at) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
  const __m128i is_tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
  const __m128i is_del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
  return static_cast<std::uint32_t>(
      _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(is_tab, low), is_del)));
}

}  // namespace
#endif

const char* find_control(const char* begin, const char* end) {
#if defined(__SSE2__)
  if (end - begin >= 16) {
    const char* const last = end - 16;
    for (;;) {
      if (const std::uint32_t found = controls_among_16(begin); found != 0) {
        return begin + std::countr_zero(found);
      }
      if (begin == last) {
        return end;
      }
      begin = std::min(begin + 16, last);  // the last block overlaps what is known to be clean
    }
  }
#endif
  while (begin != end && (!is_control(*begin) || *begin == '\t')) {
    ++begin;
  }
  return begin;
}

LineScanner::Result LineScanner::next(std::string_view bytes, std::size_t limit) {
  const std::string_view window = bytes.substr(0, limit);
  const char* const begin = window.data();
  const char* const end = begin + window.size();
  const char* const hit = find_control(begin + std::min(scanned_, window.size()), end);
  scanned_ = static_cast<std::size_t>(hit - begin);
  if (hit == end || (*hit == '\r' && hit + 1 == end)) {
    return window.size() == limit ? Result::kTooLong : Result::kMore;
  }
  if (*hit != '\r') {
    reason_ = *hit == '\n' ? "bare LF in the head" : "control byte in the head";
    return Result::kBadByte;
  }
  if (hit[1] != '\n') {
    reason_ = "bare CR in the head";
    return Result::kBadByte;
  }
  line_ = window.substr(line_begin_, scanned_ - line_begin_);
  scanned_ += 2;
  line_begin_ = scanned_;
  return Result::kLine;
}

}  // namespace portico::http
