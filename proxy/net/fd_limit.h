// How many descriptors this process may hold.
#pragma once

#include <cstdint>

namespace portico::net {

// Raises the soft limit to the hard one; the limit that holds afterwards.
std::uint64_t raise_fd_limit();

}  // namespace portico::net
