#include "routing/hostname.h"

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

std::string parse_error(std::string_view text) {
  const auto parsed = Hostname::parse(text);
  return parsed ? "" : parsed.error();
}

std::string host_of(std::string_view authority) {
  HostBuffer buffer;
  const auto host = request_host(authority, buffer);
  return host ? std::string(*host) : "error: " + std::string(host.error());
}

bool refused(std::string_view authority) {
  return host_of(authority).starts_with("error: ");
}

TEST(Hostname, EmptyMeansAnyHost) {
  const auto host = Hostname::parse("");
  ASSERT_TRUE(host);
  EXPECT_TRUE(host->is_any());
  EXPECT_FALSE(host->is_wildcard());
  EXPECT_EQ(*host, Hostname());
}

TEST(Hostname, IsLowerCaseWithoutFinalDot) {
  EXPECT_EQ(Hostname::parse("WWW.Example.COM.")->text(), "www.example.com");
}

TEST(Hostname, KnowsAWildcard) {
  const auto host = Hostname::parse("*.example.com");
  ASSERT_TRUE(host);
  EXPECT_TRUE(host->is_wildcard());
  EXPECT_EQ(host->text(), "*.example.com");
}

TEST(Hostname, AcceptsWhatKubernetesAccepts) {
  for (const auto* name :
       {"a", "localhost", "1.example.com", "a-b.c", "1.2.3", "*.com", "x--y.z"}) {
    EXPECT_EQ(parse_error(name), "") << name;
  }
  EXPECT_TRUE(Hostname::parse(std::string(63, 'a') + ".com"));
}

TEST(Hostname, NamesWhatIsWrong) {
  struct Row {
    std::string text;
    std::string fault;
  };
  const Row rows[] = {
      {"10.0.0.1", "is an IP address, not a name"},
      {"::1", "is an IP address, not a name"},
      {"[::1]", "is an IP address, not a name"},
      {"a.com:80", "has a port"},
      {"*", "is a '*' without a domain; leave the host out to match any"},
      {"a.*.com", "has a '*' that is not its whole first label"},
      {"*a.com", "has a '*' that is not its whole first label"},
      {"*.*.com", "has a '*' that is not its whole first label"},
      {"*.", "is a '*' without a domain; leave the host out to match any"},
      {"a..com", "has an empty label"},
      {".a.com", "has an empty label"},
      {".", "has an empty label"},
      {"-a.com", "has a label that begins or ends with '-'"},
      {"a-.com", "has a label that begins or ends with '-'"},
      {"a_b.com", "has a byte other than letters, digits, '-' and '.'"},
      {"a b.com", "has a byte other than letters, digits, '-' and '.'"},
      {"bücher.de", "has a byte other than letters, digits, '-' and '.'"},
      {"http://a.com", "has a port"},
      {"a.com/x", "has a byte other than letters, digits, '-' and '.'"},
      {std::string(64, 'a') + ".com", "has a label of more than 63 bytes"},
      {std::string(300, 'a'), "is longer than 253 bytes"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(parse_error(row.text), "host \"" + row.text + "\" " + row.fault);
  }
}

TEST(RequestHost, DropsPortCaseAndFinalDot) {
  EXPECT_EQ(host_of("a.example.com"), "a.example.com");
  EXPECT_EQ(host_of("a.example.com:8080"), "a.example.com");
  EXPECT_EQ(host_of("A.Example.Com"), "a.example.com");
  EXPECT_EQ(host_of("a.example.com."), "a.example.com");
  EXPECT_EQ(host_of("A.example.com.:443"), "a.example.com");
  EXPECT_EQ(host_of("a.example.com:"), "a.example.com");
  EXPECT_EQ(host_of("10.0.0.1:80"), "10.0.0.1");
  EXPECT_EQ(host_of("my_host"), "my_host");
}

TEST(RequestHost, KeepsTheBracketsOfAnIpv6Literal) {
  EXPECT_EQ(host_of("[::1]"), "[::1]");
  EXPECT_EQ(host_of("[2001:DB8::A]:8443"), "[2001:db8::a]");
  EXPECT_EQ(host_of("[::ffff:10.0.0.1]"), "[::ffff:10.0.0.1]");
  EXPECT_EQ(host_of("[1:2:3:4:5:6:7:8]"), "[1:2:3:4:5:6:7:8]");
  EXPECT_EQ(host_of("[1:2:3:4:5:6:7::]"), "[1:2:3:4:5:6:7::]");
  EXPECT_EQ(host_of("[::]"), "[::]");
}

TEST(RequestHost, RefusesBadIpv6Literals) {
  for (const auto* authority :
       {"[::1", "[]", "[:]", "[1:2:3]", "[1::2::3]", "[12345::]", "[g::]", "[::1]x", "[::1]:a",
        "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7:8::]", "[fe80::1%25eth0]", "[v1.a]", "[1.2.3.4]",
        "[1:2:3:4:5:6:7:]", "[:1:2:3:4:5:6:7]", "[::1.2.3.4:5]", "[::256.0.0.1]", "::1"}) {
    EXPECT_TRUE(refused(authority)) << authority;
  }
}

TEST(RequestHost, RefusesWhatIsNoHost) {
  for (const auto* authority : {"",
                                ":80",
                                "user@a.com",
                                "a.com/x",
                                "a.com?x",
                                "a.com:80a",
                                "a.com:99999",
                                "a.com:-1",
                                "a.com:80:80",
                                "a,b",
                                "a.com, b.com",
                                "a b",
                                "a\tb",
                                "a..b",
                                ".a",
                                ".",
                                "..",
                                "a.com..",
                                "a%2ecom",
                                "b\xc3\xbc.de",
                                "*.a.com",
                                "a#b",
                                "a\\b",
                                "a;b",
                                "a'b",
                                "<a>"}) {
    EXPECT_TRUE(refused(authority)) << authority;
  }
  EXPECT_TRUE(refused(std::string_view("a\0b", 3)));
  EXPECT_TRUE(refused(std::string(256, 'a')));
  EXPECT_FALSE(refused(std::string(255, 'A')));
}

TEST(RequestHost, IsAViewOfTheAuthorityWhereNothingChanges) {
  HostBuffer buffer;
  const std::string_view authority = "a.example.com.:80";
  EXPECT_EQ(request_host(authority, buffer)->data(), authority.data());
}

TEST(WildcardSuffix, IsWhatFollowsTheFirstLabel) {
  EXPECT_EQ(wildcard_suffix("a.example.com"), ".example.com");
  EXPECT_EQ(wildcard_suffix("a.b.example.com"), ".b.example.com");
  EXPECT_EQ(wildcard_suffix("localhost"), "");
  EXPECT_EQ(wildcard_suffix(".com"), "");
  EXPECT_EQ(wildcard_suffix(""), "");
}

}  // namespace
}  // namespace portico::routing
