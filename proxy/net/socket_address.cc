#include "proxy/net/socket_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <string_view>

namespace portico::net {

namespace {

constexpr std::size_t kMappedPrefix = 12;  // ::ffff:0:0/96

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return port;
}

}  // namespace

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (!port) {
    return std::nullopt;
  }
  if (host.empty()) {
    return from("::", *port);
  }
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  }
  if (bracketed != (host.find(':') != std::string_view::npos)) {
    return std::nullopt;
  }
  return from(host, *port);
}

std::optional<SocketAddress> SocketAddress::from(std::string_view ip, std::uint16_t port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (ip.size() >= text.size() || ip.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::copy(ip.begin(), ip.end(), text.begin());
  SocketAddress address;
  if (inet_pton(AF_INET, text.data(), &address.address_.v4.sin_addr) == 1) {
    address.address_.v4.sin_port = htons(port);
    return address;
  }
  address.address_.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  if (inet_pton(AF_INET6, text.data(), &address.address_.v6.sin6_addr) == 1) {
    return address;
  }
  return std::nullopt;
}

std::optional<SocketAddress> SocketAddress::from(const sockaddr& address, socklen_t length) {
  SocketAddress result;
  if (address.sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    std::memcpy(&result.address_, &address, sizeof(sockaddr_in));
    return result;
  }
  if (address.sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    std::memcpy(&result.address_, &address, sizeof(sockaddr_in6));
    return result;
  }
  return std::nullopt;
}

bool SocketAddress::is_v4_mapped() const {
  return is_v6() && IN6_IS_ADDR_V4MAPPED(&address_.v6.sin6_addr);
}

bool SocketAddress::is_loopback() const {
  const std::span<const std::uint8_t> ip = ip_bytes();
  return ip.size() == 4 ? ip[0] == 127 : IN6_IS_ADDR_LOOPBACK(&address_.v6.sin6_addr);
}

bool SocketAddress::is_unspecified() const {
  const std::span<const std::uint8_t> ip = ip_bytes();
  return std::all_of(ip.begin(), ip.end(), [](std::uint8_t byte) { return byte == 0; });
}

SocketAddress SocketAddress::with_port(std::uint16_t port) const {
  SocketAddress copy = *this;
  copy.address_.v4.sin_port = htons(port);  // at the same place in both
  return copy;
}

std::string_view SocketAddress::format_ip(TextBuffer& buffer) const {
  const std::span<const std::uint8_t> ip = ip_bytes();
  if (ip.size() != 4) {
    inet_ntop(AF_INET6, ip.data(), buffer.data(), buffer.size());
    return buffer.data();
  }
  // By hand, because every request says its client's address and inet_ntop formats it by snprintf.
  char* out = buffer.data();
  for (const auto byte : ip) {
    out = std::to_chars(out, buffer.data() + buffer.size(), byte).ptr;
    *out++ = '.';
  }
  return {buffer.data(), static_cast<std::size_t>(out - buffer.data()) - 1};
}

std::string_view SocketAddress::format(TextBuffer& buffer) const {
  TextBuffer ip_buffer;
  const std::string_view ip = format_ip(ip_buffer);
  const bool brackets = ip_bytes().size() != 4;
  char* out = buffer.data();
  if (brackets) {
    *out++ = '[';
  }
  out = std::copy(ip.begin(), ip.end(), out);
  if (brackets) {
    *out++ = ']';
  }
  *out++ = ':';
  out = std::to_chars(out, buffer.data() + buffer.size(), port()).ptr;
  return {buffer.data(), static_cast<std::size_t>(out - buffer.data())};
}

std::string SocketAddress::to_string() const {
  TextBuffer buffer;
  return std::string(format(buffer));
}

std::string SocketAddress::ip_text() const {
  TextBuffer buffer;
  return std::string(format_ip(buffer));
}

std::span<const std::uint8_t> SocketAddress::ip_bytes() const {
  if (!is_v6()) {
    return {reinterpret_cast<const std::uint8_t*>(&address_.v4.sin_addr), 4};
  }
  const std::span<const std::uint8_t> all(address_.v6.sin6_addr.s6_addr, 16);
  return is_v4_mapped() ? all.subspan(kMappedPrefix) : all;
}

bool operator==(const SocketAddress& a, const SocketAddress& b) {
  if (a.port() != b.port()) {
    return false;
  }
  const auto x = a.ip_bytes();
  const auto y = b.ip_bytes();
  const bool same_ip = std::equal(x.begin(), x.end(), y.begin(), y.end());
  // Link-local addresses are told apart by their interface.
  return same_ip && (x.size() == 4 || a.address_.v6.sin6_scope_id == b.address_.v6.sin6_scope_id);
}

std::size_t SocketAddress::hash() const {
  const auto ip = ip_bytes();
  const std::string_view bytes(reinterpret_cast<const char*>(ip.data()), ip.size());
  return std::hash<std::string_view>()(bytes) * 31 + port();
}

}  // namespace portico::net
