#include "controller/kube/api/server_url.h"

#include <gtest/gtest.h>

#include "controller/kube/api/proxy_choice.h"
#include "controller/kube/api/text.h"

namespace portico::kube {
namespace {

TEST(ServerUrl, HasItsParts) {
  const auto parsed = [](std::string_view text) { return parse_server_url(text).value(); };
  EXPECT_EQ(parsed("https://10.0.0.1"), (ServerUrl{.host = "10.0.0.1", .port = 443}));
  EXPECT_EQ(parsed("HTTPS://API.Example.com:6443/"),
            (ServerUrl{.host = "api.example.com", .port = 6443}));
  EXPECT_EQ(
      parsed("http://[fd00::1]:8080/k8s/clusters/c-1/"),
      (ServerUrl{.is_tls = false, .host = "fd00::1", .port = 8080, .prefix = "/k8s/clusters/c-1"}));
  EXPECT_EQ(parsed("http://me:p%40ss@proxy:3128"),
            (ServerUrl{.is_tls = false, .host = "proxy", .port = 3128, .credentials = "me:p@ss"}));
}

TEST(ServerUrl, IsWrittenForConnectAndForHost) {
  const ServerUrl usual{.host = "fd00::1", .port = 443};
  EXPECT_EQ(usual.authority(), "[fd00::1]:443");
  EXPECT_EQ(usual.host_field(), "[fd00::1]");
  const ServerUrl plain{.is_tls = false, .host = "a", .port = 443};
  EXPECT_EQ(plain.host_field(), "a:443");
}

TEST(ServerUrl, SaysWhatIsWrong) {
  const auto problem = [](std::string_view text) {
    const auto parsed = parse_server_url(text);
    return parsed ? "fine" : parsed.error();
  };
  EXPECT_EQ(problem("10.0.0.1:6443"), "has no scheme; write https://…");
  EXPECT_EQ(problem("socks5://a"), "has scheme \"socks5\"; only http and https are spoken");
  EXPECT_EQ(problem("https://"), "has no host");
  EXPECT_EQ(problem("https://a b"), "has a character that no URL has");
  EXPECT_EQ(problem("https://a\r\nX: y"), "has a character that no URL has");
  EXPECT_EQ(problem("https://a:0"), "has no valid port");
  EXPECT_EQ(problem("https://a:65536"), "has no valid port");
  EXPECT_EQ(problem("https://a:"), "has no valid port");
  EXPECT_EQ(problem("https://[::1"), "has no valid port");
  EXPECT_EQ(problem("https://[nonsense]"), "has \"nonsense\" for an IPv6 address");
  EXPECT_EQ(problem("https://a?b"), "has a query or a fragment, which mean nothing here");
  EXPECT_EQ(problem("https://a%62"), "has \"a%62\" for a host");
}

TEST(ServerUrl, IsShownWithoutAPassword) {
  EXPECT_EQ(shown_url("socks5://me:secret@proxy:1/a@b"), "socks5://proxy:1/a@b");
  EXPECT_EQ(shown_url("me:secret@proxy"), "proxy");
  EXPECT_EQ(shown_url("https://a/b@c"), "https://a/b@c");
  EXPECT_EQ(shown_url(""), "");
}

TEST(ProxyChoice, FollowsTheEnvironment) {
  const ServerUrl server{.host = "api.example.com", .port = 6443};
  const ServerUrl plain{.is_tls = false, .host = "api.example.com", .port = 80};
  EXPECT_EQ(choose_proxy(server, {}), "");
  EXPECT_EQ(choose_proxy(server, {{"HTTPS_PROXY", "http://p:3128"}}), "http://p:3128");
  EXPECT_EQ(choose_proxy(server, {{"https_proxy", "p:3128"}}), "http://p:3128");
  EXPECT_EQ(choose_proxy(server, {{"HTTP_PROXY", "http://p:3128"}}), "");
  EXPECT_EQ(choose_proxy(plain, {{"HTTP_PROXY", "http://p:3128"}}), "http://p:3128");
  EXPECT_EQ(choose_proxy(server, {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "example.com"}}), "");
  for (const char* local : {"localhost", "127.0.0.1", "::1"}) {
    EXPECT_EQ(choose_proxy({.host = local}, {{"HTTPS_PROXY", "p"}}), "");
  }
}

TEST(ProxyChoice, NoProxyNamesHostsAddressesAndNetworks) {
  struct Row {
    const char* host;
    const char* list;
    bool excluded;
  };
  for (const Row& row : {
           Row{"api.example.com", "*", true},
           Row{"api.example.com", "", false},
           Row{"api.example.com", "other.com, example.com", true},
           Row{"example.com", "example.com", true},
           Row{"badexample.com", "example.com", false},
           Row{"api.example.com", ".example.com", true},
           Row{"example.com", ".example.com", false},
           Row{"api.example.com", "*.EXAMPLE.com", true},
           Row{"api.example.com", "example.com:6443", true},
           Row{"api.example.com", "example.com:443", false},
           Row{"10.1.2.3", "10.0.0.0/8", true},
           Row{"11.1.2.3", "10.0.0.0/8", false},
           Row{"10.1.2.3", "10.1.2.0/22,10.1.2.4/31", true},
           Row{"10.1.4.3", "10.1.2.0/22", false},
           Row{"10.1.2.3", "10.1.2.3", true},
           Row{"10.1.2.3", "10.1.2.3:6443", true},
           Row{"10.1.2.3", "10.1.2.3:443", false},
           Row{"fd00::1", "fd00::/16", true},
           Row{"fd00::1", "[fd00::1]:6443", true},
           Row{"fd00::1", "10.0.0.0/8", false},
           Row{"10.1.2.3", "10.0.0.0/33", false},
           Row{"10.1.2.3", "10.0.0.0/", false},
           Row{"10.1.2.3", "1.2.3", false},
       }) {
    EXPECT_EQ(is_proxy_excluded({.host = row.host, .port = 6443}, row.list), row.excluded)
        << row.host << " " << row.list;
  }
}

TEST(Text, WritesBase64AndJson) {
  EXPECT_EQ(encode_base64(""), "");
  EXPECT_EQ(encode_base64("f"), "Zg==");
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  EXPECT_EQ(encode_base64("foo"), "Zm9v");
  EXPECT_EQ(encode_base64("user:\xff\xfe"), "dXNlcjr//g==");
  EXPECT_EQ(json_string("a\"b\\c\n\x01ü"), "\"a\\\"b\\\\c\\n\\u0001ü\"");
  EXPECT_EQ(trim(" \r\n a b\t"), "a b");
  EXPECT_EQ(trim(" \n"), "");
}

}  // namespace
}  // namespace portico::kube
