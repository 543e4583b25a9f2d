#include "proxy/exchange/request_hash.h"

#include <gtest/gtest.h>

#include "proxy/exchange/endpoint_choice.h"
#include "routing/stable_hash.h"

namespace portico::exchange {
namespace {

struct RequestHashTest : ::testing::Test {
  RequestHashTest() {
    connection.peer = *net::SocketAddress::parse("192.0.2.7:40000");
    head.method_text = "GET";
    head.authority = "Shop.example.com:8080";
    ask("/a/%7eb?x=1&Tenant=t1&empty=");
  }
  void ask(std::string_view target) {
    head.target = target;
    ASSERT_TRUE(parsed.parse(head.target));
  }
  void field(std::string_view name, std::string_view value) {
    head.fields.add(http::field_id(name), name, value);
  }
  std::optional<std::uint64_t> hash(std::string_view key) {
    client.decide({}, head, connection);
    return hash_request(*routing::HashKey::parse(key), {.head = head,
                                                        .target = parsed,
                                                        .client = client,
                                                        .host = "shop.example.com",
                                                        .server_name = "*.example.com"});
  }

  http::RequestHead head;
  net::TransportInfo connection;
  routing::NormalTarget parsed;
  ClientFacts client;
};

TEST_F(RequestHashTest, EachVariableHasItsValue) {
  field("X-User", "u1");
  field("Accept", "text/html");
  field("Cookie", "theme=dark; cart=c1; cart=c2");
  for (const auto& [key, value] :
       {std::pair("$remote_addr", "192.0.2.7"), std::pair("$binary_remote_addr", "192.0.2.7"),
        std::pair("$request_uri", "/a/%7eb?x=1&Tenant=t1&empty="), std::pair("$uri", "/a/~b"),
        std::pair("$args", "x=1&Tenant=t1&empty="), std::pair("$host", "shop.example.com"),
        std::pair("$http_host", "Shop.example.com:8080"),
        std::pair("$server_name", "*.example.com"), std::pair("$request_method", "GET"),
        std::pair("$scheme", "http"), std::pair("$http_x_user", "u1"),
        std::pair("$http_accept", "text/html"), std::pair("$cookie_theme", "dark"),
        std::pair("$cookie_cart", "c1"), std::pair("$arg_tenant", "t1"),
        std::pair("a-${arg_x}-b", "a-1-b")}) {
    EXPECT_EQ(hash(key), routing::stable_hash(value)) << key;
  }
}

TEST_F(RequestHashTest, AHeaderThatComesTwiceIsAList) {
  field("X-User", "a");
  field("x-user", "b");
  EXPECT_EQ(hash("$http_x_user"), routing::stable_hash("a, b"));
}

TEST_F(RequestHashTest, ThereIsNoneWhereNoVariableHasAValue) {
  field("Cookie", "other=1; cart=");
  for (const auto* key : {"$http_x_user", "$cookie_cart", "$arg_empty", "$arg_nope", "v1-$arg_nope",
                          "$http_x_user$cookie_nope"}) {
    EXPECT_EQ(hash(key), std::nullopt) << key;
  }
  EXPECT_NE(hash("$http_x_user$host"), std::nullopt);
}

TEST_F(RequestHashTest, NamesAreWhole) {
  field("Cookie", "xcart=1; cartx=2; cart");
  EXPECT_EQ(hash("$cookie_cart"), std::nullopt);
}

}  // namespace
}  // namespace portico::exchange
