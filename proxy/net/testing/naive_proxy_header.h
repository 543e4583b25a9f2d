// The PROXY protocol read word by word: the oracle of decode_proxy_header.
#pragma once

#include <string>

#include "proxy/net/proxy_header.h"

namespace portico::net::testing {

ProxyHeaderResult naive_proxy_header(const std::string& bytes);

// CRC32c, a bit at a time.
std::uint32_t naive_crc32c(const std::string& bytes);

}  // namespace portico::net::testing
