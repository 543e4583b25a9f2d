#include "proxy/net/testing/naive_proxy_header.h"

#include <algorithm>
#include <arpa/inet.h>
#include <vector>

namespace portico::net::testing {
namespace {

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
const std::string kStart = "PROXY ";

bool starts_alike(const std::string& a, const std::string& b) {
  const auto n = std::min(a.size(), b.size());
  return a.substr(0, n) == b.substr(0, n);
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words(1);
  for (const char c : line) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back().push_back(c);
    }
  }
  return words;
}

// -1: no port.
int port_of(const std::string& word) {
  const bool digits = !word.empty() && word.size() <= 5 &&
                      std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (word.size() > 1 && word[0] == '0') || std::stoi(word) > 65535) {
    return -1;
  }
  return std::stoi(word);
}

bool is_address(const std::string& word, int family) {
  unsigned char raw[16];
  return word.find('\0') == std::string::npos && inet_pton(family, word.c_str(), raw) == 1;
}

ProxyHeaderResult naive_v1(const std::string& bytes) {
  std::string line;
  std::size_t size = 0;
  while (size < bytes.size() && size < 107) {
    line.push_back(bytes[size++]);
    if (line.back() == '\n') {
      break;
    }
  }
  if (line.back() != '\n') {
    if (size == 107) {
      return ProxyHeaderMalformed{"long"};
    }
    return ProxyHeaderIncomplete{};
  }
  if (line[line.size() - 2] != '\r') {
    return ProxyHeaderMalformed{"line end"};
  }
  const auto words = words_of(line.substr(0, line.size() - 2));
  if (words.size() >= 2 && words[1] == "UNKNOWN") {
    return ProxyHeader{.bytes = size};
  }
  const bool v4 = words.size() == 6 && words[1] == "TCP4";
  const bool v6 = words.size() == 6 && words[1] == "TCP6";
  const int family = v4 ? AF_INET : AF_INET6;
  if ((!v4 && !v6) || !is_address(words[2], family) || !is_address(words[3], family) ||
      port_of(words[4]) < 0 || port_of(words[5]) < 0) {
    return ProxyHeaderMalformed{"words"};
  }
  return ProxyHeader{
      .bytes = size,
      .addresses = {
          {*SocketAddress::from(words[2], static_cast<std::uint16_t>(port_of(words[4]))),
           *SocketAddress::from(words[3], static_cast<std::uint16_t>(port_of(words[5])))}}};
}

int u8(const std::string& bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

int u16(const std::string& bytes, std::size_t at) {
  return u8(bytes, at) * 256 + u8(bytes, at + 1);
}

SocketAddress address_at(const std::string& bytes, int family, std::size_t ip, std::size_t port) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family, bytes.data() + ip, text, sizeof text);
  return *SocketAddress::from(text, static_cast<std::uint16_t>(u16(bytes, port)));
}

// False: they are malformed.
bool read_tlvs(const std::string& header, std::size_t at, ProxyHeader& into) {
  while (at != header.size()) {
    if (at + 3 > header.size() ||
        at + 3 + static_cast<std::size_t>(u16(header, at + 1)) > header.size()) {
      return false;
    }
    const int type = u8(header, at);
    const auto length = static_cast<std::size_t>(u16(header, at + 1));
    if (type == 3) {
      auto zeroed = header;
      if (length != 4) {
        return false;
      }
      std::fill_n(zeroed.begin() + static_cast<std::ptrdiff_t>(at + 3), 4, '\0');
      const auto said = static_cast<std::uint32_t>(u16(header, at + 3)) * 65536 +
                        static_cast<std::uint32_t>(u16(header, at + 5));
      if (said != naive_crc32c(zeroed)) {
        return false;
      }
    }
    if (type == 0x20 && length > 0) {
      into.client_tls = u8(header, at + 3) % 2 == 1;
    }
    at += 3 + length;
  }
  return true;
}

ProxyHeaderResult naive_v2(const std::string& bytes) {
  const auto say = [&](std::size_t at, auto wrong) {
    return bytes.size() > at && wrong(u8(bytes, at));
  };
  if (say(12, [](int b) { return b != 0x20 && b != 0x21; }) || (!say(12, [](int b) {
        return b == 0x20;
      }) && say(13, [](int b) { return b / 16 > 3 || b % 16 > 2; }))) {
    return ProxyHeaderMalformed{"fixed part"};
  }
  if (bytes.size() < 16) {
    return ProxyHeaderIncomplete{};
  }
  const auto size = std::size_t{16} + static_cast<std::size_t>(u16(bytes, 14));
  if (size > kMaxProxyHeader) {
    return ProxyHeaderMalformed{"long"};
  }
  if (bytes.size() < size) {
    return ProxyHeaderIncomplete{};
  }
  const auto header = bytes.substr(0, size);
  const int family = u8(header, 13) / 16;
  const std::size_t needed[] = {0, 12, 36, 216};
  ProxyHeader decoded{.bytes = size};
  if (u8(header, 12) == 0x20) {
    return decoded;
  }
  if (size - 16 < needed[family]) {
    return ProxyHeaderMalformed{"short"};
  }
  if (family != 0 && !read_tlvs(header, 16 + needed[family], decoded)) {
    return ProxyHeaderMalformed{"tlvs"};
  }
  if (u8(header, 13) == 0x11) {
    decoded.addresses = {address_at(header, AF_INET, 16, 24), address_at(header, AF_INET, 20, 26)};
  }
  if (u8(header, 13) == 0x21) {
    decoded.addresses = {address_at(header, AF_INET6, 16, 48),
                         address_at(header, AF_INET6, 32, 50)};
  }
  return decoded;
}

}  // namespace

std::uint32_t naive_crc32c(const std::string& bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc % 2 == 1 ? (crc / 2) ^ 0x82F63B78 : crc / 2;
    }
  }
  return ~crc;
}

ProxyHeaderResult naive_proxy_header(const std::string& bytes) {
  if (bytes.empty()) {
    return ProxyHeaderIncomplete{};
  }
  if (starts_alike(bytes, kSignature)) {
    return naive_v2(bytes);
  }
  if (starts_alike(bytes, kStart)) {
    return naive_v1(bytes);
  }
  return ProxyHeaderMalformed{"start"};
}

}  // namespace portico::net::testing
