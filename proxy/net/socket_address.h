// An IP address and port, by value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace portico::net {

// IPv4 or IPv6 with a port. A v4-mapped IPv6 address is an IPv4 address with another spelling: it
// is shown, compared and hashed as IPv4.
//
// Thread:    a value.
// Memory:    28 bytes, never allocates (except where a std::string is returned).
class SocketAddress {
 public:
  // Longest text that format() writes: "[" 45 "]:" 5.
  static constexpr std::size_t kMaxText = 53;
  using TextBuffer = std::array<char, kMaxText>;

  SocketAddress() = default;  // 0.0.0.0:0

  // "127.0.0.1:80", "[::1]:8080", ":8080" (every address of both families).
  static std::optional<SocketAddress> parse(std::string_view text);
  // `ip` without brackets, IPv4 or IPv6.
  static std::optional<SocketAddress> from(std::string_view ip, std::uint16_t port);
  // As the kernel gives it; nothing for other families.
  static std::optional<SocketAddress> from(const sockaddr& address, socklen_t length);

  [[nodiscard]] bool is_v6() const { return address_.any.sa_family == AF_INET6; }
  [[nodiscard]] bool is_v4_mapped() const;
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_unspecified() const;  // 0.0.0.0 or [::]
  [[nodiscard]] std::uint16_t port() const { return ntohs(address_.v4.sin_port); }
  [[nodiscard]] SocketAddress with_port(std::uint16_t port) const;

  // "127.0.0.1:80", "[::1]:80"; a mapped address as IPv4. The view lies in `buffer`.
  [[nodiscard]] std::string_view format(TextBuffer& buffer) const;
  // The address alone, without brackets.
  [[nodiscard]] std::string_view format_ip(TextBuffer& buffer) const;
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] std::string ip_text() const;

  // Network order, 4 or 16 bytes; 4 for a mapped address. Valid as long as this object.
  [[nodiscard]] std::span<const std::uint8_t> ip_bytes() const;

  [[nodiscard]] const sockaddr* data() const { return &address_.any; }
  [[nodiscard]] socklen_t size() const {
    return is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  }

  friend bool operator==(const SocketAddress& a, const SocketAddress& b);
  template <typename H>
  friend H AbslHashValue(H state, const SocketAddress& address) {
    return H::combine(std::move(state), address.hash());
  }
  [[nodiscard]] std::size_t hash() const;

 private:
  union Address {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  Address address_{.v6 = {.sin6_family = AF_INET}};
};
static_assert(sizeof(SocketAddress) <= 32);

}  // namespace portico::net

template <>
struct std::hash<portico::net::SocketAddress> {
  std::size_t operator()(const portico::net::SocketAddress& address) const noexcept {
    return address.hash();
  }
};
