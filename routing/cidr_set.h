// A set of IP addresses written as networks: trusted proxies, allow lists.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portico::routing {

// "10.0.0.0/8", "2001:db8::/32", or one address. Bits behind the prefix are ignored; a network of
// IPv4-mapped addresses (::ffff:10.0.0.0/104) is that network of IPv4.
struct Cidr {
  std::array<std::uint8_t, 16> ip{};  // network order; IPv4 in the first four
  std::uint8_t prefix_bits = 0;
  bool v6 = false;

  static std::optional<Cidr> parse(std::string_view text);
};

// Immutable once made; a copy shares nothing. A look-up is a binary search over merged ranges.
//
// Thread: a value.
class CidrSet {
 public:
  CidrSet() = default;
  explicit CidrSet(std::span<const Cidr> networks);
  // A list, by commas or blanks; empty text is the empty set. The error is the first entry that is
  // no network.
  static std::expected<CidrSet, std::string> parse(std::string_view list);
  // Every address of both families.
  static CidrSet everything();

  // `ip` as net::SocketAddress::ip_bytes() gives it: 4 bytes, or 16 that are not IPv4-mapped.
  [[nodiscard]] bool contains(std::span<const std::uint8_t> ip) const;
  [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }
  bool operator==(const CidrSet&) const = default;

 private:
  using V6 = std::pair<std::uint64_t, std::uint64_t>;  // high half first

  // Both ends included; in order, and apart from each other.
  template <class Ip>
  struct Range {
    Ip first;
    Ip last;
    bool operator==(const Range&) const = default;
  };

  std::vector<Range<std::uint32_t>> v4_;
  std::vector<Range<V6>> v6_;
};

// An address as text, without brackets, zone or port; IPv4-mapped as IPv4. The result views
// `buffer`; empty: it is none.
std::span<const std::uint8_t> parse_ip(std::string_view text, std::array<std::uint8_t, 16>& buffer);

}  // namespace portico::routing
