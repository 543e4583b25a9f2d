#include <array>
#include <cstddef>
#include <string_view>

#include "proxy/http/chars.h"
#include "proxy/http/message.h"

namespace portico::http {
namespace {

constexpr std::size_t kIds = static_cast<std::size_t>(FieldId::kCount);

// In the order of FieldId.
constexpr std::array<std::string_view, kIds> kNames = {
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

// Length and three letters tell all these names apart, under factors that the compiler looks for.
constexpr std::size_t kSlots = 256;
constexpr std::size_t slot_of(std::string_view name, std::size_t factor) {
  const auto letter = [name](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(to_lower(name[i])));
  };
  const std::size_t size = name.size();
  const std::size_t mixed = letter(0) | letter(size - 1) << 8 |
                            letter(size < 4 ? 0 : size - 4) << 16 | (size & 0xff) << 24;
  return (mixed * factor >> 32) % kSlots;
}

struct Slots {
  std::size_t factor = 0;
  std::array<FieldId, kSlots> ids{};
};

constexpr bool fill(Slots& slots, std::size_t factor) {
  slots = {.factor = factor};
  for (std::size_t id = 1; id < kIds; ++id) {
    FieldId& slot = slots.ids[slot_of(kNames[id], factor)];
    if (slot != FieldId::kOther) {
      return false;
    }
    slot = static_cast<FieldId>(id);
  }
  return true;
}

consteval Slots build_slots() {
  Slots slots;
  std::size_t factor = 0x9e3779b97f4a7c15;
  while (!fill(slots, factor)) {
    factor = factor * 6364136223846793005 + 1442695040888963407;
  }
  return slots;
}
constexpr Slots kSlotTable = build_slots();

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.empty()) {
    return FieldId::kOther;
  }
  const FieldId candidate = kSlotTable.ids[slot_of(name, kSlotTable.factor)];
  return equals_no_case(name, kNames[static_cast<std::size_t>(candidate)]) ? candidate
                                                                           : FieldId::kOther;
}

std::string_view field_name(FieldId id) {
  return kNames[static_cast<std::size_t>(id)];
}

}  // namespace portico::http
