// Looks at many bytes at once: SSE2, which every x86-64 has, and plain loops elsewhere.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "proxy/http/chars.h"

namespace portico::http {

constexpr bool is_control_but_tab(char c) {
  return is_control(c) && c != '\t';
}

#if defined(__SSE2__)
namespace scan {

inline constexpr std::size_t kBlock = 16;

inline __m128i load(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
inline std::uint32_t bits_of(__m128i block) {
  return static_cast<std::uint32_t>(_mm_movemask_epi8(block));
}

// A bit for each byte up to `last_low`, and for DEL and all beyond it: one more makes those
// negative, so that one signed comparison finds both.
inline std::uint32_t low_or_beyond_ascii(__m128i block, char last_low) {
  return bits_of(_mm_cmplt_epi8(_mm_add_epi8(block, _mm_set1_epi8(1)),
                                _mm_set1_epi8(static_cast<char>(last_low + 2))));
}

// A bit for each byte that is a control byte other than HTAB.
inline std::uint32_t controls(__m128i block) {
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
  const __m128i is_tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
  const __m128i is_del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
  return bits_of(_mm_or_si128(_mm_andnot_si128(is_tab, low), is_del));
}

// A bit for each of kWideBlock bytes that is a control byte, HTAB or beyond ASCII.
inline constexpr std::size_t kWideBlock = 64;
inline std::uint64_t maybe_controls(const char* at) {
  std::uint64_t found = 0;
  for (std::size_t block = 0; block < kWideBlock; block += kBlock) {
    found |= static_cast<std::uint64_t>(low_or_beyond_ascii(load(at + block), 0x1f)) << block;
  }
  return found;
}

// A bit for each letter and each '-'.
inline std::uint32_t letters_and_dashes(__m128i block) {
  const __m128i lower = _mm_or_si128(block, _mm_set1_epi8(0x20));
  // 'z' becomes the greatest signed value; what lies beyond it turns negative.
  const __m128i letters =
      _mm_cmpgt_epi8(_mm_add_epi8(lower, _mm_set1_epi8(0x7f - 'z')), _mm_set1_epi8(0x7f - 26));
  return bits_of(_mm_or_si128(letters, _mm_cmpeq_epi8(block, _mm_set1_epi8('-'))));
}

}  // namespace scan
#endif

// The first byte below 0x20 that is not HTAB, or 0x7f; `end` if there is none.
inline const char* find_control(const char* begin, const char* end) {
#if defined(__SSE2__)
  for (; static_cast<std::size_t>(end - begin) >= scan::kBlock; begin += scan::kBlock) {
    const __m128i block = scan::load(begin);
    std::uint32_t found = scan::low_or_beyond_ascii(block, 0x1f);
    if (found == 0) {
      continue;
    }
    if (const char* const first = begin + std::countr_zero(found); is_control_but_tab(*first)) {
      return first;
    }
    found = scan::controls(block);
    if (found != 0) {
      return begin + std::countr_zero(found);
    }
  }
#endif
  while (begin != end && !is_control_but_tab(*begin)) {
    ++begin;
  }
  return begin;
}

// How many bytes from `begin` on are of a plain host name: letters, digits, '-' and '.'. May stop
// short; never looks at `end` or beyond.
inline std::size_t plain_host_size(const char* begin, [[maybe_unused]] const char* end) {
  const char* at = begin;
#if defined(__SSE2__)
  for (; static_cast<std::size_t>(end - at) >= scan::kBlock; at += scan::kBlock) {
    const __m128i block = scan::load(at);
    // Digits lie in the middle of "-./0123456789", of which '/' alone is no byte of a name.
    const __m128i digits = _mm_and_si128(_mm_cmpgt_epi8(block, _mm_set1_epi8('-' - 1)),
                                         _mm_cmplt_epi8(block, _mm_set1_epi8('9' + 1)));
    const __m128i slash = _mm_cmpeq_epi8(block, _mm_set1_epi8('/'));
    const std::uint32_t plain =
        scan::letters_and_dashes(block) | scan::bits_of(_mm_andnot_si128(slash, digits));
    if (plain != 0xffff) {
      return static_cast<std::size_t>(at - begin + std::countr_one(plain));
    }
  }
#endif
  return static_cast<std::size_t>(at - begin);
}

struct ScannedName {
  std::size_t size;  // bytes that a token may hold, from the first on
  bool plain;        // only letters and '-' among them
};

// Measures the token at `begin`. The bytes up to `end` may be looked at, and one of them is none
// that a token may hold.
inline ScannedName scan_name(const char* begin, [[maybe_unused]] const char* end) {
  const char* at = begin;
#if defined(__SSE2__)
  while (static_cast<std::size_t>(end - at) >= scan::kBlock) {
    const int plain = std::countr_one(scan::letters_and_dashes(scan::load(at)));
    at += plain;
    if (plain < static_cast<int>(scan::kBlock)) {
      break;
    }
  }
#endif
  bool plain = true;
  for (; is_token_char(*at); ++at) {
    plain = plain && (is_alpha(*at) || *at == '-');
  }
  return {.size = static_cast<std::size_t>(at - begin), .plain = plain};
}

// Whether `text` holds only visible ASCII but '#' and '\'. False may be wrong, for some short texts
// and where there is no SSE2: the caller then looks by himself. Bytes up to `end` may be looked at.
inline bool is_plain_target([[maybe_unused]] std::string_view text,
                            [[maybe_unused]] const char* end) {
#if defined(__SSE2__)
  const auto unusual = [](const char* at) {
    const __m128i block = scan::load(at);
    const __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('#')),
                                     _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
    return scan::low_or_beyond_ascii(block, 0x20) | scan::bits_of(odd);
  };
  if (text.size() < scan::kBlock) {
    return static_cast<std::size_t>(end - text.data()) >= scan::kBlock &&
           (unusual(text.data()) & ((1U << text.size()) - 1)) == 0;
  }
  const char* const last = text.data() + text.size() - scan::kBlock;
  for (const char* at = text.data(); at < last; at += scan::kBlock) {
    if (unusual(at) != 0) {
      return false;
    }
  }
  return unusual(last) == 0;
#else
  return false;
#endif
}

}  // namespace portico::http
