// A network compared with an address bit by bit: the oracle of CidrSet.
#pragma once

#include <span>

#include "routing/cidr_set.h"

namespace portico::routing::testing {

inline bool naive_contains(const Cidr& network, std::span<const std::uint8_t> ip) {
  if (ip.size() != (network.v6 ? 16U : 4U)) {
    return false;
  }
  for (int bit = 0; bit < network.prefix_bits; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if ((network.ip[at] & mask) != (ip[at] & mask)) {
      return false;
    }
  }
  return true;
}

}  // namespace portico::routing::testing
