// Whose request it is, where proxies in front say so: what is believed, and of whom.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "routing/cidr_set.h"

namespace portico::routing {

// The ConfigMap's keys on clients' addresses, as ingress-nginx means them.
struct ClientAddressSettings {
  bool use_proxy_protocol = false;
  std::chrono::milliseconds proxy_header_timeout{5'000};
  bool use_forwarded_headers = false;       // the address, and X-Forwarded-Proto, -Host and -Port
  bool enable_real_ip = false;              // the address alone
  bool compute_full_forwarded_for = false;  // X-Forwarded-For is appended to, not replaced
  std::string forwarded_for_header = "X-Forwarded-For";
  std::string forwarded_host_header = "X-Forwarded-Host";
  bool forwarded_header = false;  // RFC 7239: is written, and read where headers are believed
  // Who may say all that; absent: everybody, as in ingress-nginx.
  std::optional<CidrSet> trusted_proxies;

  // `ip` as net::SocketAddress::ip_bytes() gives it.
  [[nodiscard]] bool trusts(std::span<const std::uint8_t> ip) const {
    return !trusted_proxies || trusted_proxies->contains(ip);
  }
  [[nodiscard]] bool reads_headers() const { return use_forwarded_headers || enable_real_ip; }
  bool operator==(const ClientAddressSettings&) const = default;
};

// The address of "192.0.2.1", "192.0.2.1:80", "2001:db8::1" or "[2001:db8::1]:80", as it stands
// there; empty: it is none.
std::string_view address_of_node(std::string_view node);

// From proxy to proxy, nearest first, up to the first that is not trusted: that one is the client
// (nginx's real_ip_recursive). One that names no address ends the walk before it.
//
//   X-Forwarded-For: spoofed, client, proxy2   <── peer = proxy1
//                             ^ found   <── trusted <── trusted
class ForwardedWalk {
 public:
  explicit ForwardedWalk(const ClientAddressSettings& settings) : settings_(settings) {}

  // False: the walk is over.
  bool take_node(std::string_view node);
  // The nodes of a comma-separated list, from its right end.
  bool take_list(std::string_view list);
  // The farthest that was believed; empty: none, so the peer is the client. A view into what was
  // taken.
  [[nodiscard]] std::string_view client() const { return client_; }

 private:
  const ClientAddressSettings& settings_;
  std::string_view client_;
};

// "https" or "http" of an X-Forwarded-Proto value (of a list, the first); nothing where it is
// neither. WebSockets' schemes are those of the connection below them.
std::optional<bool> forwarded_https(std::string_view value);
// A port between 1 and 65535, of a list the first; empty where it is none.
std::string_view forwarded_port(std::string_view value);
// Of a list the first, without blanks.
std::string_view first_of_list(std::string_view value);

// One hop of a Forwarded field (RFC 7239 4). Views into it; quoted pairs are not undone, since no
// address, scheme or host has any.
struct ForwardedElement {
  std::string_view node;  // for=
  std::string_view proto;
  std::string_view host;
};

// The elements of one Forwarded field line, split and unread; more than kMaxHops, or quotes that
// never close, and there are none.
class ForwardedElements {
 public:
  static constexpr std::size_t kMaxHops = 64;

  explicit ForwardedElements(std::string_view line);
  [[nodiscard]] std::span<const std::string_view> all() const { return {elements_.data(), size_}; }
  // Nothing: it is malformed.
  static std::optional<ForwardedElement> read(std::string_view element);

 private:
  std::array<std::string_view, kMaxHops> elements_;
  std::size_t size_ = 0;
};

// Appends `for=…;host=…;proto=…`, quoted where that is needed (RFC 7239 4, 6).
void append_forwarded(std::string& to, std::string_view address, std::string_view host,
                      std::string_view proto);

}  // namespace portico::routing
