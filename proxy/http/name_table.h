// The names of FieldIds, to be found by a name in any case.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/http/message.h"
#include "proxy/http/scan.h"

namespace portico::http::names {

inline constexpr std::size_t kIds = static_cast<std::size_t>(FieldId::kCount);

// In the order of FieldId.
inline constexpr std::array<std::string_view, kIds> kNames = {
    "",
    "Accept",
    "Authorization",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Date",
    "Expect",
    "Forwarded",
    "Host",
    "HTTP2-Settings",
    "Keep-Alive",
    "Location",
    "Proxy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Server",
    "Set-Cookie",
    "Strict-Transport-Security",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Referer",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Forwarded-Scheme",
    "X-Original-Forwarded-For",
    "X-Real-IP",
    "X-Request-ID",
    "X-Scheme",
};
static_assert(!kNames.back().empty(), "a FieldId without a name");

// Letters without their case; '-' and digits stay as they are. Other bytes may meet in one value,
// so what was found by this is compared once more, or is known to hold no other bytes.
constexpr char fold(char c) {
  return static_cast<char>(c | 0x20);
}

// Length and two letters tell all these names apart, under factors that the compiler looks for.
inline constexpr std::size_t kSlots = 256;
constexpr std::size_t slot_of(const char* name, std::size_t size, std::size_t factor) {
  const auto letter = [name](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(fold(name[i])));
  };
  const std::size_t mixed = letter(0) | letter(size < 4 ? 0 : size - 4) << 8 | size << 16;
  return (mixed * factor >> 32) % kSlots;
}

inline constexpr std::size_t kFoldedBytes = 32;

struct Table {
  std::size_t factor = 0;
  std::array<FieldId, kSlots> ids{};
  std::array<std::array<char, kFoldedBytes>, kIds> folded{};
};

constexpr bool fill_slots(Table& table, std::size_t factor) {
  table.factor = factor;
  table.ids = {};
  for (std::size_t id = 1; id < kIds; ++id) {
    FieldId& slot = table.ids[slot_of(kNames[id].data(), kNames[id].size(), factor)];
    if (slot != FieldId::kOther) {
      return false;
    }
    slot = static_cast<FieldId>(id);
  }
  return true;
}

consteval Table build_table() {
  Table table;
  std::size_t factor = 0x9e3779b97f4a7c15;
  while (!fill_slots(table, factor)) {
    factor = factor * 6364136223846793005 + 1442695040888963407;
  }
  for (std::size_t id = 0; id < kIds; ++id) {
    for (std::size_t i = 0; i < kNames[id].size(); ++i) {
      table.folded[id][i] = fold(kNames[id][i]);  // a longer name than the row does not compile
    }
  }
  return table;
}
inline constexpr Table kTable = build_table();

// The only id whose name `name` can be; not empty.
constexpr FieldId candidate(std::string_view name) {
  const FieldId id = kTable.ids[slot_of(name.data(), name.size(), kTable.factor)];
  return kNames[static_cast<std::size_t>(id)].size() == name.size() ? id : FieldId::kOther;
}

// field_id() of a name that holds only letters and '-'. Bytes up to `end` may be looked at.
inline FieldId id_of_plain(std::string_view name, [[maybe_unused]] const char* end) {
  const FieldId id = candidate(name);
  if (id == FieldId::kOther) {
    return id;
  }
#if defined(__SSE2__)
  if (static_cast<std::size_t>(end - name.data()) >= kFoldedBytes) {
    const char* const folded = kTable.folded[static_cast<std::size_t>(id)].data();
    const auto equal = [&](std::size_t at) {
      const __m128i block = _mm_or_si128(scan::load(name.data() + at), _mm_set1_epi8(0x20));
      return scan::bits_of(_mm_cmpeq_epi8(block, scan::load(folded + at)));
    };
    const std::uint32_t different = ~(equal(0) | equal(scan::kBlock) << scan::kBlock);
    return different << (kFoldedBytes - name.size()) == 0 ? id : FieldId::kOther;
  }
#endif
  return equals_no_case(name, kNames[static_cast<std::size_t>(id)]) ? id : FieldId::kOther;
}

}  // namespace portico::http::names
