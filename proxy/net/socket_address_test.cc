#include "proxy/net/socket_address.h"

#include <gtest/gtest.h>

namespace portico::net {
namespace {

TEST(SocketAddress, ReadsAndShowsBothFamilies) {
  struct Row {
    const char* text;
    const char* shown;
  };
  for (const Row& row : {Row{"127.0.0.1:80", "127.0.0.1:80"}, Row{"[::1]:8080", "[::1]:8080"},
                         Row{":8080", "[::]:8080"}, Row{"[::]:0", "[::]:0"},
                         Row{"[::ffff:10.0.0.1]:65535", "10.0.0.1:65535"},
                         Row{"[2001:DB8:0:0:0:0:0:1]:1", "[2001:db8::1]:1"}}) {
    const auto address = SocketAddress::parse(row.text);
    ASSERT_TRUE(address) << row.text;
    EXPECT_EQ(address->to_string(), row.shown);
  }
}

TEST(SocketAddress, RefusesWhatIsNone) {
  for (const char* text :
       {"", ":", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8x",
        "::1:80", "[::1]", "[127.0.0.1]:80", "[]:80", "localhost:80", "1.2.3:80", "[::1]x:80"}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
  }
}

TEST(SocketAddress, AMappedAddressIsItsIPv4Address) {
  const auto mapped = *SocketAddress::from("::ffff:10.1.2.3", 80);
  const auto plain = *SocketAddress::from("10.1.2.3", 80);
  EXPECT_TRUE(mapped.is_v4_mapped());
  EXPECT_EQ(mapped, plain);
  EXPECT_EQ(mapped.hash(), plain.hash());
  EXPECT_EQ(mapped.ip_text(), "10.1.2.3");
  EXPECT_EQ(mapped.ip_bytes().size(), 4);
}

TEST(SocketAddress, DiffersByAddressAndPort) {
  const auto a = *SocketAddress::parse("10.0.0.1:80");
  EXPECT_NE(a, *SocketAddress::parse("10.0.0.2:80"));
  EXPECT_NE(a, *SocketAddress::parse("10.0.0.1:81"));
  EXPECT_EQ(a.with_port(81), *SocketAddress::parse("10.0.0.1:81"));
  EXPECT_NE(*SocketAddress::parse("[::]:80"), SocketAddress().with_port(80));
}

TEST(SocketAddress, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(SocketAddress::parse(text)->is_loopback()) << text;
  }
  for (const char* text : {"128.0.0.1:1", "[::2]:1", "[::]:1"}) {
    EXPECT_FALSE(SocketAddress::parse(text)->is_loopback()) << text;
  }
}

TEST(SocketAddress, TheLongestTextFitsItsBuffer) {
  SocketAddress::TextBuffer buffer;
  const auto longest = *SocketAddress::from("1111:2222:3333:4444:5555:6666:7777:8888", 65535);
  EXPECT_EQ(longest.format(buffer), "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

}  // namespace
}  // namespace portico::net
