#include "proxy/http/line_scanner.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "proxy/http/chars.h"

namespace portico::http {

const char* find_control(const char* begin, const char* end) {
#if defined(__SSE2__)
  const __m128i highest_control = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - begin >= 16; begin += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, highest_control), block);
    const __m128i bad =
        _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(block, tab), low), _mm_cmpeq_epi8(block, del));
    const auto mask = static_cast<std::uint32_t>(_mm_movemask_epi8(bad));
    if (mask != 0) {
      return begin + std::countr_zero(mask);
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
