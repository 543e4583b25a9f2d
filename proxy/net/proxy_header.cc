#include "proxy/net/proxy_header.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

namespace portico::net {
namespace {

constexpr std::string_view kV1Start = "PROXY ";
constexpr std::size_t kMaxV1 = 107;
constexpr std::string_view kV2Signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV2Fixed = 16;

constexpr std::uint8_t kTlvCrc32c = 0x03;
constexpr std::uint8_t kTlvSsl = 0x20;
constexpr std::uint8_t kClientSsl = 0x01;
constexpr std::size_t kTlvFixed = 3;

ProxyHeaderResult malformed(std::string_view reason) {
  return ProxyHeaderMalformed{reason};
}

// ---- version 1

// The word up to the next space, which goes too.
std::string_view take_word(std::string_view& line) {
  const auto end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// Decimal, without leading zeros.
std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return !whole || (text.size() > 1 && text.front() == '0') ? std::nullopt : std::optional(port);
}

// Neither a zone nor anything else that only this machine could have meant.
std::optional<SocketAddress> address_of(std::string_view ip, std::uint16_t port, bool v6) {
  const auto address = SocketAddress::from(ip, port);
  const bool fits = address && address->is_v6() == v6 && ip.find('%') == std::string_view::npos;
  return fits ? address : std::nullopt;
}

ProxyHeaderResult decode_v1_line(std::string_view line, std::size_t bytes) {
  const auto protocol = take_word(line);
  if (protocol == "UNKNOWN") {
    return ProxyHeader{.bytes = bytes};  // whatever follows means nothing
  }
  if (protocol != "TCP4" && protocol != "TCP6") {
    return malformed("neither TCP4, TCP6 nor UNKNOWN");
  }
  const auto source_ip = take_word(line);
  const auto destination_ip = take_word(line);
  const auto source_port = port_of(take_word(line));
  const auto destination_port = port_of(line);
  if (!source_port || !destination_port) {
    return malformed("a port is not a number up to 65535");
  }
  const bool v6 = protocol == "TCP6";
  const auto source = address_of(source_ip, *source_port, v6);
  const auto destination = address_of(destination_ip, *destination_port, v6);
  if (!source || !destination) {
    return malformed("an address is not of the protocol that is named");
  }
  return ProxyHeader{.bytes = bytes, .addresses = {{*source, *destination}}};
}

ProxyHeaderResult decode_v1(std::string_view text) {
  const auto window = text.substr(0, kMaxV1);
  const auto end = window.find('\n');
  if (end == std::string_view::npos) {
    return window.size() == kMaxV1 ? malformed("a line of more than 107 bytes")
                                   : ProxyHeaderResult(ProxyHeaderIncomplete{});
  }
  if (window[end - 1] != '\r') {
    return malformed("a line that does not end with CRLF");
  }
  return decode_v1_line(window.substr(kV1Start.size(), end - 1 - kV1Start.size()), end + 1);
}

// ---- version 2

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

SocketAddress v4_at(std::string_view block, std::size_t ip, std::size_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::memcpy(&address.sin_addr, block.data() + ip, sizeof address.sin_addr);
  std::memcpy(&address.sin_port, block.data() + port, sizeof address.sin_port);
  return *SocketAddress::from(reinterpret_cast<const sockaddr&>(address), sizeof address);
}

SocketAddress v6_at(std::string_view block, std::size_t ip, std::size_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  std::memcpy(&address.sin6_addr, block.data() + ip, sizeof address.sin6_addr);
  std::memcpy(&address.sin6_port, block.data() + port, sizeof address.sin6_port);
  return *SocketAddress::from(reinterpret_cast<const sockaddr&>(address), sizeof address);
}

constexpr std::array<std::uint32_t, 256> kCrc32cTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78U : 0U);
    }
    table[byte] = value;
  }
  return table;
}();

// Of the header as if its checksum, at `checksum`, were zeros.
std::uint32_t crc32c(std::string_view header, std::size_t checksum) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::uint8_t byte = i - checksum < 4 ? 0 : byte_at(header, i);
    crc = (crc >> 8) ^ kCrc32cTable[(crc ^ byte) & 0xFF];
  }
  return ~crc;
}

bool checksum_is_right(std::string_view header, std::size_t at) {
  const std::uint32_t said = std::uint32_t{number_at(header, at)} << 16 | number_at(header, at + 2);
  return said == crc32c(header, at);
}

// Walks the TLVs of `header` from `at` on. The reason why they are malformed, or nothing.
std::string_view read_tlvs(std::string_view header, std::size_t at, ProxyHeader& into) {
  while (at < header.size()) {
    if (header.size() - at < kTlvFixed) {
      return "a TLV is cut short";
    }
    const auto type = byte_at(header, at);
    const std::size_t length = number_at(header, at + 1);
    at += kTlvFixed;
    if (header.size() - at < length) {
      return "a TLV is longer than the header";
    }
    if (type == kTlvCrc32c && (length != 4 || !checksum_is_right(header, at))) {
      return "the checksum is wrong";
    }
    if (type == kTlvSsl && length > 0) {
      into.client_tls = (byte_at(header, at) & kClientSsl) != 0;
    }
    at += length;
  }
  return {};
}

// By family: unspecified, IPv4, IPv6, unix.
constexpr std::array<std::size_t, 4> kAddressBytes{0, 12, 36, 216};

ProxyHeaderResult decode_v2_block(std::string_view header) {
  const auto family = byte_at(header, 13) >> 4;
  const auto transport = byte_at(header, 13) & 0xF;
  const auto block = header.substr(kV2Fixed);
  if (block.size() < kAddressBytes[static_cast<std::size_t>(family)]) {
    return malformed("too short for its addresses");
  }
  ProxyHeader decoded{.bytes = header.size()};
  if (family == 0) {
    return decoded;  // what follows has no known form
  }
  const auto tlvs = kV2Fixed + kAddressBytes[static_cast<std::size_t>(family)];
  if (const auto fault = read_tlvs(header, tlvs, decoded); !fault.empty()) {
    return malformed(fault);
  }
  if (transport == 1 && family == 1) {
    decoded.addresses = {v4_at(block, 0, 8), v4_at(block, 4, 10)};
  } else if (transport == 1 && family == 2) {
    decoded.addresses = {v6_at(block, 0, 32), v6_at(block, 16, 34)};
  }
  return decoded;
}

ProxyHeaderResult decode_v2(std::string_view text) {
  if (text.size() > 12 && byte_at(text, 12) >> 4 != 2) {
    return malformed("neither version 1 nor 2");
  }
  const bool is_local = text.size() > 12 && (byte_at(text, 12) & 0xF) == 0;
  if (text.size() > 12 && (byte_at(text, 12) & 0xF) > 1) {
    return malformed("neither LOCAL nor PROXY");
  }
  // Of LOCAL the family is ignored, whatever it says (2.2 of the specification).
  if (text.size() > 13 && !is_local &&
      (byte_at(text, 13) >> 4 > 3 || (byte_at(text, 13) & 0xF) > 2)) {
    return malformed("no such family or transport");
  }
  if (text.size() < kV2Fixed) {
    return ProxyHeaderIncomplete{};
  }
  const auto bytes = kV2Fixed + number_at(text, 14);
  if (bytes > kMaxProxyHeader) {
    return malformed("too long");
  }
  if (text.size() < bytes) {
    return ProxyHeaderIncomplete{};
  }
  if (is_local) {
    return ProxyHeader{.bytes = bytes};  // the sender's own: a health check, say
  }
  return decode_v2_block(text.substr(0, bytes));
}

bool begins_alike(std::string_view text, std::string_view start) {
  const auto common = std::min(text.size(), start.size());
  return text.substr(0, common) == start.substr(0, common);
}

// ---- writing

// 16 bytes, whatever the family.
void append_v6(char* to, const SocketAddress& address) {
  static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const auto ip = address.ip_bytes();
  if (ip.size() == 4) {
    std::memcpy(to, kMapped.data(), kMapped.size());
    to += kMapped.size();
  }
  std::memcpy(to, ip.data(), ip.size());
}

void append_port(char* to, std::uint16_t port) {
  to[0] = static_cast<char>(port >> 8);
  to[1] = static_cast<char>(port & 0xFF);
}

bool is_v4(const SocketAddress& address) {
  return address.ip_bytes().size() == 4;
}

}  // namespace

ProxyHeaderResult decode_proxy_header(std::span<const char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  if (begins_alike(text, kV2Signature)) {
    return decode_v2(text);
  }
  if (begins_alike(text, kV1Start)) {
    return decode_v1(text);
  }
  return malformed("no PROXY header");
}

ProxyHeaderText::ProxyHeaderText(ProxyVersion version, const SocketAddress& source,
                                 const SocketAddress& destination) {
  if (version == ProxyVersion::kV1) {
    write_v1(source, destination);
  } else {
    write_v2(source, destination);
  }
}

void ProxyHeaderText::write_v1(const SocketAddress& source, const SocketAddress& destination) {
  const bool v4 = is_v4(source) && is_v4(destination);
  const auto append = [this](std::string_view text) {
    size_ += text.copy(bytes_.data() + size_, text.size());
  };
  const auto append_ip = [&](const SocketAddress& address) {
    SocketAddress::TextBuffer buffer;
    append(!v4 && is_v4(address) ? " ::ffff:" : " ");
    append(address.format_ip(buffer));
  };
  const auto append_number = [&](std::uint16_t port) {
    append(" ");
    size_ = static_cast<std::size_t>(
        std::to_chars(bytes_.data() + size_, bytes_.data() + bytes_.size(), port).ptr -
        bytes_.data());
  };
  append(v4 ? "PROXY TCP4" : "PROXY TCP6");
  append_ip(source);
  append_ip(destination);
  append_number(source.port());
  append_number(destination.port());
  append("\r\n");
}

void ProxyHeaderText::write_v2(const SocketAddress& source, const SocketAddress& destination) {
  const bool v4 = is_v4(source) && is_v4(destination);
  const std::size_t ip_bytes = v4 ? 4 : 16;
  size_ = kV2Signature.copy(bytes_.data(), kV2Signature.size());
  bytes_[size_++] = 0x21;
  bytes_[size_++] = v4 ? 0x11 : 0x21;
  append_port(bytes_.data() + size_, static_cast<std::uint16_t>(ip_bytes * 2 + 4));
  size_ += 2;
  for (const auto* address : {&source, &destination}) {
    if (v4) {
      std::memcpy(bytes_.data() + size_, address->ip_bytes().data(), ip_bytes);
    } else {
      append_v6(bytes_.data() + size_, *address);
    }
    size_ += ip_bytes;
  }
  for (const auto* address : {&source, &destination}) {
    append_port(bytes_.data() + size_, address->port());
    size_ += 2;
  }
}

}  // namespace portico::net
