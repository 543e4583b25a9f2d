#include "routing/hostname.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include <absl/strings/ascii.h>

namespace portico::routing {
namespace {

constexpr std::size_t kMaxNameBytes = 253;  // RFC 1035 2.3.4 as text, without the final dot
constexpr std::size_t kMaxLabelBytes = 63;

bool is_decimal_byte(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) {
    return false;
  }
  int value = 0;
  for (const char digit : text) {
    if (!absl::ascii_isdigit(digit)) {
      return false;
    }
    value = value * 10 + (digit - '0');
  }
  return value <= 255;
}

bool is_ipv4(std::string_view text) {
  int parts = 0;
  while (true) {
    const auto dot = text.find('.');
    if (!is_decimal_byte(text.substr(0, dot)) || ++parts > 4) {
      return false;
    }
    if (dot == text.npos) {
      return parts == 4;
    }
    text.remove_prefix(dot + 1);
  }
}

bool is_hex_group(std::string_view text) {
  if (text.empty() || text.size() > 4) {
    return false;
  }
  for (const char digit : text) {
    if (!absl::ascii_isxdigit(digit)) {
      return false;
    }
  }
  return true;
}

// How many 16-bit groups "a:b:1.2.3.4" holds, or nothing if one is malformed; an IPv4 tail counts
// two.
std::optional<int> count_groups(std::string_view text, bool may_end_in_ipv4) {
  int groups = 0;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const auto group = text.substr(0, colon);
    const bool last = colon == text.npos;
    if (last && may_end_in_ipv4 && is_ipv4(group)) {
      return groups + 2;
    }
    if (!is_hex_group(group) || colon + 1 == text.size()) {
      return std::nullopt;
    }
    ++groups;
    text.remove_prefix(last ? text.size() : colon + 1);
  }
  return groups;
}

// RFC 3986's IPv6address; by hand because this module knows no sockets.
bool is_ipv6(std::string_view text) {
  const auto gap = text.find("::");
  if (gap == text.npos) {
    return count_groups(text, true) == 8;
  }
  const auto before = count_groups(text.substr(0, gap), false);
  const auto after = count_groups(text.substr(gap + 2), true);
  return before && after && *before + *after <= 7;
}

// What is wrong with a label of an RFC 1123 name, or "".
std::string_view label_fault(std::string_view label) {
  if (label.empty()) {
    return "has an empty label";
  }
  if (label.size() > kMaxLabelBytes) {
    return "has a label of more than 63 bytes";
  }
  if (label.front() == '-' || label.back() == '-') {
    return "has a label that begins or ends with '-'";
  }
  for (const char byte : label) {
    if (byte == '*') {
      return "has a '*' that is not its whole first label";
    }
    if (!absl::ascii_isalnum(byte) && byte != '-') {
      return "has a byte other than letters, digits, '-' and '.'";
    }
  }
  return "";
}

std::string_view name_fault(std::string_view name) {
  const bool wildcard = name.starts_with("*.");
  const auto fixed = wildcard ? name.substr(2) : name;
  if (name == "*") {
    return "is a '*' without a domain; leave the host out to match any";
  }
  if (name.size() > kMaxNameBytes) {
    return "is longer than 253 bytes";
  }
  if (is_ipv4(fixed) || name.starts_with('[') || is_ipv6(name)) {
    return "is an IP address, not a name";
  }
  if (name.contains(':')) {
    return "has a port";
  }
  for (auto rest = fixed;;) {
    const auto dot = rest.find('.');
    if (const auto fault = label_fault(rest.substr(0, dot)); !fault.empty()) {
      return fault;
    }
    if (dot == rest.npos) {
      return "";
    }
    rest.remove_prefix(dot + 1);
  }
}

bool is_port(std::string_view text) {
  int value = 0;
  for (const char digit : text) {
    if (!absl::ascii_isdigit(digit)) {
      return false;
    }
    value = value * 10 + (digit - '0');
    if (value > 65'535) {
      return false;
    }
  }
  return true;
}

// Bytes of a request's host.
enum HostByte : std::uint8_t { kNoHostByte, kNameByte, kUpperByte, kDotByte };

consteval std::array<HostByte, 256> classify_host_bytes() {
  std::array<HostByte, 256> kinds{};
  for (int byte = 0; byte < 256; ++byte) {
    auto& kind = kinds[static_cast<std::size_t>(byte)];
    if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
        byte == '_' || byte == '~') {
      kind = kNameByte;
    } else if (byte >= 'A' && byte <= 'Z') {
      kind = kUpperByte;
    } else if (byte == '.') {
      kind = kDotByte;
    }
  }
  return kinds;
}
constexpr auto kHostBytes = classify_host_bytes();

struct ScannedName {
  std::string_view fault;
  bool has_upper = false;
};

// Less than RFC 3986's reg-name: no escapes and no sub-delims ("a,b" is a list, "a;b" an attack).
// No client sends either, and a name we can't compare we can't route safely.
ScannedName scan_request_name(std::string_view name) {
  HostByte previous = kDotByte;
  bool has_upper = false;
  for (const char byte : name) {
    const HostByte kind = kHostBytes[static_cast<unsigned char>(byte)];
    if (kind != kNameByte) {
      if (kind == kNoHostByte) {
        return {.fault = "the host holds a byte that no name has"};
      }
      if (kind == kDotByte && previous == kDotByte) {
        return {.fault = "the host has an empty label"};
      }
      has_upper |= kind == kUpperByte;
    }
    previous = kind;
  }
  if (previous == kDotByte) {
    return {.fault = "the host has an empty label"};
  }
  return {.fault = "", .has_upper = has_upper};
}

std::string_view lower_case(std::string_view text, HostBuffer& buffer) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    buffer.bytes[i] = absl::ascii_tolower(text[i]);
  }
  return {buffer.bytes, text.size()};
}

}  // namespace

std::expected<Hostname, std::string> Hostname::parse(std::string_view text) {
  auto name = text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
  if (text.empty()) {
    return Hostname();
  }
  if (const auto fault = name_fault(name); !fault.empty()) {
    return std::unexpected("host \"" + std::string(text) + "\" " + std::string(fault));
  }
  std::string lower(name);
  absl::AsciiStrToLower(&lower);
  return Hostname(std::move(lower));
}

std::expected<std::string_view, std::string_view> request_host(std::string_view authority,
                                                               HostBuffer& buffer) {
  const bool literal = authority.starts_with('[');
  const auto host_end = literal ? authority.find(']') : authority.find(':');
  if (literal && host_end == authority.npos) {
    return std::unexpected("the host's IPv6 literal has no end");
  }
  auto host = authority.substr(0, literal ? host_end + 1 : host_end);
  const auto after = authority.substr(host.size());
  if (!after.empty() && (after[0] != ':' || !is_port(after.substr(1)))) {
    return std::unexpected("the host's port is malformed");
  }
  if (host.empty()) {
    return std::unexpected("the host is empty");
  }
  if (host.size() > 1 && host.ends_with('.')) {
    host.remove_suffix(1);
  }
  if (host.size() >= sizeof(buffer.bytes)) {
    return std::unexpected("the host is longer than 255 bytes");
  }
  if (literal) {
    if (!is_ipv6(host.substr(1, host.size() - 2))) {
      return std::unexpected("the host's IPv6 literal is malformed");
    }
    return std::ranges::any_of(host, absl::ascii_isupper) ? lower_case(host, buffer) : host;
  }
  const auto scanned = scan_request_name(host);
  if (!scanned.fault.empty()) {
    return std::unexpected(scanned.fault);
  }
  return scanned.has_upper ? lower_case(host, buffer) : host;
}

std::string_view wildcard_suffix(std::string_view host) {
  const auto dot = host.find('.');
  return dot == host.npos || dot == 0 ? std::string_view() : host.substr(dot);
}

}  // namespace portico::routing
