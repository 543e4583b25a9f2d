#include "routing/cidr_set.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <limits>

namespace portico::routing {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr std::string_view kSeparators = ", \t\r\n";

std::uint64_t number(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const auto byte : bytes) {
    value = value << 8 | byte;
  }
  return value;
}

// The `bits` lowest ones.
template <class Word>
Word low_ones(int bits) {
  constexpr int kBits = std::numeric_limits<Word>::digits;
  return bits <= 0 ? 0 : static_cast<Word>(~Word{0} >> (kBits - std::min(bits, kBits)));
}

using V6 = std::pair<std::uint64_t, std::uint64_t>;

std::uint32_t v4_of(std::span<const std::uint8_t> ip) {
  return static_cast<std::uint32_t>(number(ip.first(4)));
}

V6 v6_of(std::span<const std::uint8_t> ip) {
  return {number(ip.first(8)), number(ip.subspan(8, 8))};
}

bool touches(std::uint32_t last, std::uint32_t next) {
  return next <= last || next - last == 1;
}

bool touches(const V6& last, const V6& next) {
  const bool follows =
      next.second == last.second + 1 && next.first == last.first + (next.second == 0 ? 1 : 0);
  return next <= last || follows;
}

template <class Range>
void merge(std::vector<Range>& ranges) {
  std::ranges::sort(ranges, {}, &Range::first);
  std::vector<Range> merged;
  for (const auto& range : ranges) {
    if (!merged.empty() && touches(merged.back().last, range.first)) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  merged.shrink_to_fit();
  ranges = std::move(merged);
}

template <class Range, class Ip>
bool is_in(const std::vector<Range>& ranges, const Ip& ip) {
  const auto after = std::ranges::upper_bound(ranges, ip, {}, &Range::first);
  return after != ranges.begin() && ip <= std::prev(after)->last;
}

}  // namespace

std::span<const std::uint8_t> parse_ip(std::string_view text,
                                       std::array<std::uint8_t, 16>& buffer) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
    return {};
  }
  std::ranges::copy(text, terminated.begin());
  if (inet_pton(AF_INET, terminated.data(), buffer.data()) == 1) {
    return std::span(buffer).first(4);
  }
  if (inet_pton(AF_INET6, terminated.data(), buffer.data()) != 1) {
    return {};
  }
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), buffer.begin())) {
    std::memmove(buffer.data(), buffer.data() + kMappedPrefix.size(), 4);
    return std::span(buffer).first(4);
  }
  return buffer;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto ip_text = text.substr(0, slash);
  Cidr cidr;
  const auto ip = parse_ip(ip_text, cidr.ip);
  if (ip.empty()) {
    return std::nullopt;
  }
  const bool written_as_v6 = ip_text.find(':') != std::string_view::npos;
  unsigned bits = written_as_v6 ? 128 : 32;
  if (slash != std::string_view::npos) {
    const auto bits_text = text.substr(slash + 1);
    const auto most = bits;
    const auto [end, error] =
        std::from_chars(bits_text.data(), bits_text.data() + bits_text.size(), bits);
    if (error != std::errc() || end != bits_text.data() + bits_text.size() || bits > most) {
      return std::nullopt;
    }
  }
  cidr.v6 = ip.size() == 16;
  if (written_as_v6 && !cidr.v6) {
    if (bits < 96) {
      return std::nullopt;  // wider than the mapped addresses: neither family's network
    }
    bits -= 96;
  }
  cidr.prefix_bits = static_cast<std::uint8_t>(bits);
  return cidr;
}

CidrSet::CidrSet(std::span<const Cidr> networks) {
  for (const auto& network : networks) {
    if (!network.v6) {
      const auto rest = low_ones<std::uint32_t>(32 - network.prefix_bits);
      const auto ip = v4_of(network.ip);
      v4_.push_back({ip & ~rest, ip | rest});
      continue;
    }
    const auto high = low_ones<std::uint64_t>(64 - network.prefix_bits);
    const auto low = low_ones<std::uint64_t>(128 - network.prefix_bits);
    const auto ip = v6_of(network.ip);
    v6_.push_back({{ip.first & ~high, ip.second & ~low}, {ip.first | high, ip.second | low}});
  }
  merge(v4_);
  merge(v6_);
}

std::expected<CidrSet, std::string> CidrSet::parse(std::string_view list) {
  std::vector<Cidr> networks;
  while (true) {
    const auto begin = list.find_first_not_of(kSeparators);
    if (begin == std::string_view::npos) {
      return CidrSet(networks);
    }
    list.remove_prefix(begin);
    const auto entry = list.substr(0, list.find_first_of(kSeparators));
    const auto cidr = Cidr::parse(entry);
    if (!cidr) {
      return std::unexpected(std::string(entry));
    }
    networks.push_back(*cidr);
    list.remove_prefix(entry.size());
  }
}

CidrSet CidrSet::everything() {
  const std::array<Cidr, 2> all{Cidr{.v6 = false}, Cidr{.v6 = true}};
  return CidrSet(all);
}

bool CidrSet::contains(std::span<const std::uint8_t> ip) const {
  return ip.size() == 4 ? is_in(v4_, v4_of(ip)) : ip.size() == 16 && is_in(v6_, v6_of(ip));
}

}  // namespace portico::routing
