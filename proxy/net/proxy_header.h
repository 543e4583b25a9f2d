// The PROXY protocol's header, versions 1 and 2: what a load balancer says of a connection before
// its first byte. https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
//
//   PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n          version 1, at most 107 bytes
//   \r\n\r\n\0\r\nQUIT\n  2|cmd  family|transport  length   addresses   TLVs
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "proxy/net/socket_address.h"

namespace portico::net {

struct ProxyHeader {
  struct Addresses {
    SocketAddress source;
    SocketAddress destination;
    bool operator==(const Addresses&) const = default;
  };

  std::size_t bytes = 0;  // of the header; what follows is the client's
  // Absent: the connection speaks for itself (LOCAL, UNKNOWN, a socket that is not IP over TCP).
  std::optional<Addresses> addresses = std::nullopt;
  bool client_tls = false;  // the sender ended the client's TLS (PP2_CLIENT_SSL)

  bool operator==(const ProxyHeader&) const = default;
};

struct ProxyHeaderIncomplete {
  bool operator==(const ProxyHeaderIncomplete&) const = default;
};
struct ProxyHeaderMalformed {
  std::string_view reason;  // static
};
using ProxyHeaderResult = std::variant<ProxyHeader, ProxyHeaderIncomplete, ProxyHeaderMalformed>;

// No header is longer; one that says it is, is malformed.
inline constexpr std::size_t kMaxProxyHeader = std::size_t{16} * 1024;

// Reads the header at the start of `bytes`, which are what has come of the connection so far: ask
// again with more while it is incomplete. What can't be a header by its first bytes is malformed
// without waiting for more. TLVs are passed over, but for PP2_TYPE_CRC32C, which must be right, and
// the PP2_TYPE_SSL flag.
[[nodiscard]] ProxyHeaderResult decode_proxy_header(std::span<const char> bytes);

enum class ProxyVersion : std::uint8_t { kV1 = 1, kV2 = 2 };

// What a sender writes before its first byte. Addresses of two families are both written as IPv6.
class ProxyHeaderText {
 public:
  ProxyHeaderText(ProxyVersion version, const SocketAddress& source,
                  const SocketAddress& destination);
  [[nodiscard]] std::span<const char> bytes() const { return {bytes_.data(), size_}; }

 private:
  void write_v1(const SocketAddress& source, const SocketAddress& destination);
  void write_v2(const SocketAddress& source, const SocketAddress& destination);

  std::array<char, 108> bytes_;
  std::size_t size_ = 0;
};

}  // namespace portico::net
