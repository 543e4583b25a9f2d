#include "proxy/net/proxy_header.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/net/testing/naive_proxy_header.h"

namespace portico::net {
namespace {

using std::string_literals::operator""s;

SocketAddress address(std::string_view text) {
  return *SocketAddress::parse(text);
}

ProxyHeaderResult decode(std::string_view bytes) {
  return decode_proxy_header({bytes.data(), bytes.size()});
}

std::string u16(std::size_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xFF)};
}

std::string tlv(char type, const std::string& value) {
  return std::string(1, type) + u16(value.size()) + value;
}

std::string v2(char command, char family, const std::string& block) {
  return "\r\n\r\n\0\r\nQUIT\n"s + command + family + u16(block.size()) + block;
}

const std::string kV4Block = "\xCB\x00\x71\x07\xC0\x00\x02\x01\xC8\x22\x01\xBB"s;

// PROXY over TCP and IPv4, with TLVs of which the last is the checksum.
std::string with_checksum(const std::string& tlvs) {
  auto header = v2(0x21, 0x11, kV4Block + tlvs + tlv(3, "\0\0\0\0"s));
  const auto crc = testing::naive_crc32c(header);
  header.replace(header.size() - 4, 4, u16(crc >> 16) + u16(crc & 0xFFFF));
  return header;
}

struct Accepted {
  const char* name;
  std::string bytes;
  std::string_view source;  // empty: none
  std::string_view destination;
  bool client_tls = false;
};

std::vector<Accepted> accepted() {
  const auto v6_block =
      std::string(15, '\0') + "\x01"s + std::string(15, '\0') + "\x02"s + "\x00\x50\x01\xBB"s;
  return {
      {"TCP4", "PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n", "203.0.113.7:51234",
       "192.0.2.1:443"},
      {"TCP6", "PROXY TCP6 2001:db8::7 ::1 1 65535\r\n", "[2001:db8::7]:1", "[::1]:65535"},
      {"TCP6 with IPv4 inside", "PROXY TCP6 ::ffff:203.0.113.7 ::ffff:192.0.2.1 1 2\r\n",
       "203.0.113.7:1", "192.0.2.1:2"},
      {"port 0", "PROXY TCP4 203.0.113.7 192.0.2.1 0 443\r\n", "203.0.113.7:0", "192.0.2.1:443"},
      {"UNKNOWN", "PROXY UNKNOWN\r\n", {}, {}},
      {"UNKNOWN with words", "PROXY UNKNOWN ffff:f...f:ffff x 65535\r\n", {}, {}},
      {"v2 over IPv4", v2(0x21, 0x11, kV4Block), "203.0.113.7:51234", "192.0.2.1:443"},
      {"v2 over IPv6", v2(0x21, 0x21, v6_block), "[::1]:80", "[::2]:443"},
      {"v2 LOCAL", v2(0x20, 0x00, ""), {}, {}},
      {"v2 LOCAL with a block", v2(0x20, 0x11, kV4Block + "rest"), {}, {}},
      {"v2 LOCAL of a family to come", v2(0x20, 0x43, "x"), {}, {}},
      {"v2 unspecified", v2(0x21, 0x00, "anything"), {}, {}},
      {"v2 unix", v2(0x21, 0x31, std::string(216, 'u')), {}, {}},
      {"v2 datagrams", v2(0x21, 0x12, kV4Block), {}, {}},
      {"v2 with TLVs", v2(0x21, 0x11, kV4Block + tlv(4, "padding") + tlv('\xEA', "\1vpce")),
       "203.0.113.7:51234", "192.0.2.1:443"},
      {"v2 with a checksum", with_checksum(tlv(5, "an id")), "203.0.113.7:51234", "192.0.2.1:443"},
      {"v2 of a TLS client", v2(0x21, 0x11, kV4Block + tlv(0x20, "\x01\0\0\0\0"s)),
       "203.0.113.7:51234", "192.0.2.1:443", true},
      {"v2 of a plain client", v2(0x21, 0x11, kV4Block + tlv(0x20, "\x00\0\0\0\0"s)),
       "203.0.113.7:51234", "192.0.2.1:443", false},
      {"v2 at its bound", v2(0x21, 0x00, std::string(kMaxProxyHeader - 16, 'x')), {}, {}},
  };
}

TEST(ProxyHeader, IsReadWholeAndLeavesWhatFollows) {
  for (const auto& row : accepted()) {
    SCOPED_TRACE(row.name);
    const auto result = decode(row.bytes + "GET / HTTP/1.1\r\n");
    const auto* header = std::get_if<ProxyHeader>(&result);
    ASSERT_NE(header, nullptr);
    EXPECT_EQ(header->bytes, row.bytes.size());
    EXPECT_EQ(header->client_tls, row.client_tls);
    ASSERT_EQ(header->addresses.has_value(), !row.source.empty());
    if (header->addresses) {
      EXPECT_EQ(header->addresses->source, address(row.source));
      EXPECT_EQ(header->addresses->destination, address(row.destination));
    }
  }
}

TEST(ProxyHeader, IsIncompleteUntilItsLastByte) {
  for (const auto& row : accepted()) {
    SCOPED_TRACE(row.name);
    for (std::size_t size = 0; size < std::min<std::size_t>(row.bytes.size(), 512); ++size) {
      ASSERT_TRUE(std::holds_alternative<ProxyHeaderIncomplete>(decode(row.bytes.substr(0, size))))
          << size;
    }
  }
}

TEST(ProxyHeader, RefusesWhatIsNone) {
  const std::pair<const char*, std::string> rows[] = {
      {"a request", "GET / HTTP/1.1\r\n"},
      {"a TLS hello", "\x16\x03\x01\x02\x00"s},
      {"its first byte only", "G"},
      {"lower case", "proxy TCP4 203.0.113.7 192.0.2.1 1 2\r\n"},
      {"two spaces", "PROXY  TCP4 203.0.113.7 192.0.2.1 1 2\r\n"},
      {"no addresses", "PROXY TCP4\r\n"},
      {"no ports", "PROXY TCP4 203.0.113.7 192.0.2.1\r\n"},
      {"a word too many", "PROXY TCP4 203.0.113.7 192.0.2.1 1 2 3\r\n"},
      {"a space at the end", "PROXY TCP4 203.0.113.7 192.0.2.1 1 2 \r\n"},
      {"a bare LF", "PROXY TCP4 203.0.113.7 192.0.2.1 1 2\n"},
      {"a large port", "PROXY TCP4 203.0.113.7 192.0.2.1 1 65536\r\n"},
      {"a signed port", "PROXY TCP4 203.0.113.7 192.0.2.1 1 +2\r\n"},
      {"a port with a leading zero", "PROXY TCP4 203.0.113.7 192.0.2.1 1 02\r\n"},
      {"IPv6 as TCP4", "PROXY TCP4 ::1 ::2 1 2\r\n"},
      {"IPv4 as TCP6", "PROXY TCP6 203.0.113.7 192.0.2.1 1 2\r\n"},
      {"a name", "PROXY TCP4 localhost 192.0.2.1 1 2\r\n"},
      {"a NUL behind an address", "PROXY TCP4 203.0.113.7\0x 192.0.2.1 1 2\r\n"s},
      {"UDP", "PROXY UDP4 203.0.113.7 192.0.2.1 1 2\r\n"},
      {"107 bytes without an end", "PROXY UNKNOWN " + std::string(93, 'x')},
      {"v2 with a wrong signature", "\r\n\r\n\0\r\nQUIX"s},
      {"v2 of version 3", v2(0x31, 0x11, kV4Block)},
      {"v2 with a third command", v2(0x22, 0x11, kV4Block)},
      {"v2 with a fifth family", v2(0x21, 0x41, kV4Block)},
      {"v2 with a fourth transport", v2(0x21, 0x13, kV4Block)},
      {"v2 without room for addresses", v2(0x21, 0x11, kV4Block.substr(1))},
      {"v2 over IPv6 without room", v2(0x21, 0x21, kV4Block)},
      {"v2 with half a TLV", v2(0x21, 0x11, kV4Block + "\x04\x00"s)},
      {"v2 with a TLV beyond its end", v2(0x21, 0x11, kV4Block + "\x04\x00\x05four"s)},
      {"v2 with a wrong checksum", v2(0x21, 0x11, kV4Block + tlv(3, "\1\2\3\4"))},
      {"v2 with half a checksum", v2(0x21, 0x11, kV4Block + tlv(3, "\1\2"))},
      {"v2 beyond the bound", "\r\n\r\n\0\r\nQUIT\n\x21\x11\x40\x00"s},
  };
  for (const auto& [name, bytes] : rows) {
    EXPECT_TRUE(std::holds_alternative<ProxyHeaderMalformed>(decode(bytes))) << name;
  }
}

// What both say, without the reason's words.
std::string verdict(const ProxyHeaderResult& result) {
  if (const auto* header = std::get_if<ProxyHeader>(&result)) {
    auto text = std::to_string(header->bytes) + (header->client_tls ? " tls" : "");
    if (header->addresses) {
      text += " " + header->addresses->source.to_string() + " " +
              header->addresses->destination.to_string();
    }
    return text;
  }
  return std::holds_alternative<ProxyHeaderIncomplete>(result) ? "incomplete" : "malformed";
}

TEST(ProxyHeader, IsReadAsTheNaiveReaderReadsIt) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return random() % n; };
  const auto rows = accepted();
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = rows[below(rows.size() - 1)].bytes;
    for (auto changes = below(3); changes > 0; --changes) {
      const auto at = below(bytes.size());
      switch (below(3)) {
        case 0:
          bytes[at] = static_cast<char>(below(256));
          break;
        case 1:
          bytes.erase(at, 1 + below(4));
          break;
        default:
          bytes.insert(at, 1, " 0:.\n\r\0T"[below(8)]);
      }
      if (bytes.empty()) {
        break;
      }
    }
    ASSERT_EQ(verdict(decode(bytes)), verdict(testing::naive_proxy_header(bytes)))
        << ::testing::PrintToString(bytes);
  }
}

TEST(ProxyHeader, IsWrittenAsItIsRead) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"203.0.113.7:51234", "192.0.2.1:443"},
      {"[2001:db8::7]:1", "[::1]:65535"},
      {"203.0.113.7:51234", "[::1]:443"},
      {"[2001:db8::7]:1", "192.0.2.1:443"},
      {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535"},
  };
  for (const auto& [source, destination] : rows) {
    for (const auto version : {ProxyVersion::kV1, ProxyVersion::kV2}) {
      const ProxyHeaderText text(version, address(source), address(destination));
      const auto result = decode_proxy_header(text.bytes());
      const auto* header = std::get_if<ProxyHeader>(&result);
      ASSERT_NE(header, nullptr) << source;
      EXPECT_EQ(header->bytes, text.bytes().size());
      EXPECT_EQ(header->addresses->source, address(source));
      EXPECT_EQ(header->addresses->destination, address(destination));
    }
  }
}

TEST(ProxyHeader, IsWrittenInTheWordsOfTheSpecification) {
  const ProxyHeaderText text(ProxyVersion::kV1, address("203.0.113.7:51234"),
                             address("192.0.2.1:443"));
  EXPECT_EQ(std::string(text.bytes().data(), text.bytes().size()),
            "PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n");
}

}  // namespace
}  // namespace portico::net
