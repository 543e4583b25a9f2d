// The first words of a TLS client.
#pragma once

#include <string>
#include <string_view>

namespace portico::server::testing {

// A ClientHello of TLS 1.2 that names `server_name`.
inline std::string client_hello(std::string_view server_name) {
  using std::string_literals::operator""s;
  const auto u16 = [](std::size_t n) {
    return std::string{static_cast<char>(n >> 8), static_cast<char>(n & 0xFF)};
  };
  const auto entry = "\0"s + u16(server_name.size()) + std::string(server_name);
  const auto extension = "\0\0"s + u16(entry.size() + 2) + u16(entry.size()) + entry;
  const auto body = "\x03\x03"s + std::string(32, 'r') + "\0"s + "\0\x02\xC0\x2F"s + "\x01\0"s +
                    u16(extension.size()) + extension;
  return "\x16\x03\x01"s + u16(body.size() + 4) + "\x01\0"s + u16(body.size()) + body;
}

}  // namespace portico::server::testing
