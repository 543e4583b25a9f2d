#include "routing/session_cookie.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "routing/stable_hash.h"
#include "routing/testing/count_allocations.h"

namespace portico::routing {
namespace {

constexpr std::string_view kName = "INGRESSCOOKIE";
constexpr std::string_view kBackend = "0123456789abcdef";

std::string_view key_in(std::string_view cookies) {
  return find_session_key(cookies, kName, kBackend);
}

TEST(StableHash, IsTheSameForEver) {
  EXPECT_EQ(stable_hash(""), 0xefd01f60ba992926U);
  EXPECT_EQ(stable_hash("shop/web:80"), stable_hash(std::string("shop/web:80")));
  EXPECT_NE(stable_hash("10.0.0.1:80"), stable_hash("10.0.0.2:80"));
}

TEST(SessionCookie, IsFoundAmongOthers) {
  constexpr auto kRows = std::to_array<std::string_view>({
      "INGRESSCOOKIE=k1|0123456789abcdef",
      "a=b; INGRESSCOOKIE=k1|0123456789abcdef",
      "INGRESSCOOKIE=k1|0123456789abcdef; a=b",
      "a;INGRESSCOOKIE=k1|0123456789abcdef;b",
      ";;  ; \tINGRESSCOOKIE=k1|0123456789abcdef \t;",
      "XINGRESSCOOKIE=k0|0123456789abcdef; INGRESSCOOKIE=k1|0123456789abcdef",
      "INGRESSCOOKIE2=k0|0123456789abcdef; INGRESSCOOKIE=k1|0123456789abcdef",
      "ingresscookie=k0|0123456789abcdef; INGRESSCOOKIE=k1|0123456789abcdef",
  });
  for (const auto cookies : kRows) {
    EXPECT_EQ(key_in(cookies), "k1") << cookies;
  }
}

TEST(SessionCookie, OfAnotherBackendIsSteppedOver) {
  EXPECT_EQ(key_in("INGRESSCOOKIE=k1|fedcba9876543210"), "");
  EXPECT_EQ(key_in("INGRESSCOOKIE=k1|fedcba9876543210; INGRESSCOOKIE=k2|0123456789abcdef"), "k2");
}

TEST(SessionCookie, TheFirstOfThisBackendCounts) {
  EXPECT_EQ(key_in("INGRESSCOOKIE=k1|0123456789abcdef; INGRESSCOOKIE=k2|0123456789abcdef"), "k1");
}

TEST(SessionCookie, HostileOnesAreNone) {
  const auto too_long = "INGRESSCOOKIE=" + std::string(65, 'k') + "|0123456789abcdef";
  const auto huge = "INGRESSCOOKIE=" + std::string(60'000, '|') + "0123456789abcdef";
  const auto rows = std::to_array<std::string>({
      "",
      "=",
      ";",
      "INGRESSCOOKIE",
      "INGRESSCOOKIE=",
      "INGRESSCOOKIE=|",
      "INGRESSCOOKIE=|0123456789abcdef",
      "INGRESSCOOKIE=0123456789abcdef",
      "INGRESSCOOKIE=k1",
      "INGRESSCOOKIE=k1|",
      "INGRESSCOOKIE=k1|0123456789abcde",
      "INGRESSCOOKIE=k1|0123456789abcdef0",
      "INGRESSCOOKIE=k1|0123456789ABCDEF",
      "INGRESSCOOKIE=\"k1|0123456789abcdef\"",
      "INGRESSCOOKIE =k1|0123456789abcdef",
      too_long,
      huge,
      std::string(60'000, ';'),
  });
  for (const auto& cookies : rows) {
    EXPECT_EQ(key_in(cookies), "") << cookies.substr(0, 100);
  }
}

TEST(SessionCookie, KeysMayHoldAnyBytesUpToTheBound) {
  const std::string longest(kMaxSessionKeyBytes, '\xff');
  EXPECT_EQ(key_in("INGRESSCOOKIE=" + longest + "|0123456789abcdef"), longest);
  EXPECT_EQ(key_in("INGRESSCOOKIE=a=b|c|0123456789abcdef"), "a=b|c");
}

TEST(SessionCookie, IsFoundWithoutAllocating) {
  const std::string cookies = "theme=dark; INGRESSCOOKIE=k1|0123456789abcdef; a=b";
  std::string_view key;
  EXPECT_EQ(testing::count_allocations([&] { key = key_in(cookies); }), 0u);
  EXPECT_EQ(key, "k1");
}

SessionCookie plain() {
  return {.key = "key", .backend = kBackend, .route_path = "/shop"};
}

TEST(SetCookie, SaysPathAndHttpOnlyUnlessMoreIsAsked) {
  EXPECT_EQ(write_session_cookie({}, plain()),
            "INGRESSCOOKIE=key|0123456789abcdef; Path=/shop; HttpOnly");
}

TEST(SetCookie, SaysAllThatIsAsked) {
  const AffinitySpec spec{.cookie_name = "SERVERID",
                          .path = "/a",
                          .domain = "example.com",
                          .same_site = SameSite::kNone,
                          .secure = true,
                          .partitioned = true,
                          .expires_seconds = 172'800,
                          .max_age_seconds = 259'200};
  auto cookie = plain();
  cookie.expires = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(write_session_cookie(spec, cookie),
            "SERVERID=key|0123456789abcdef; Expires=Sun, 06 Nov 1994 08:49:37 GMT; "
            "Max-Age=259200; Domain=example.com; Path=/a; Secure; HttpOnly; SameSite=None; "
            "Partitioned");
}

TEST(SetCookie, IsSecureWhereTheRequestCameByHttps) {
  auto cookie = plain();
  cookie.https = true;
  EXPECT_EQ(write_session_cookie({}, cookie),
            "INGRESSCOOKIE=key|0123456789abcdef; Path=/shop; Secure; HttpOnly");
  EXPECT_EQ(write_session_cookie({.secure = false}, cookie),
            "INGRESSCOOKIE=key|0123456789abcdef; Path=/shop; HttpOnly");
}

TEST(SetCookie, APathThatCannotBeSaidIsCutToOneThatCoversIt) {
  constexpr auto kRows = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"", "/"},
      {"/", "/"},
      {"/a/b;c/d", "/a/"},
      {"/a b", "/"},
      {"/a/\r\nX: y", "/a/"},
      {"/caf\xc3\xa9", "/"},
  });
  for (const auto& [route, said] : kRows) {
    auto cookie = plain();
    cookie.route_path = route;
    EXPECT_EQ(write_session_cookie({}, cookie),
              "INGRESSCOOKIE=key|0123456789abcdef; Path=" + std::string(said) + "; HttpOnly");
  }
}

TEST(SetCookie, LeavesSameSiteNoneOutForBrowsersThatMisreadIt) {
  struct Row {
    const char* browser;
    const char* user_agent;
    bool understands;
  };
  constexpr auto kRows = std::to_array<Row>({
      {"None", "", true},
      {"Chrome51", "Mozilla/5.0 (X11; Linux x86_64) Chrome/51.0.2704.103 Safari/537.36", false},
      {"Chrome66", "Mozilla/5.0 (Windows NT 10.0) Chrome/66.0.3359.139 Safari/537.36", false},
      {"Chrome80", "Mozilla/5.0 (X11; Linux x86_64) Chrome/80.0.3987.87 Safari/537.36", true},
      {"Iphone12", "Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) Safari/604.1", false},
      {"Ipad12", "Mozilla/5.0 (iPad; CPU OS 12_0 like Mac OS X) Safari/604.1", false},
      {"Iphone13", "Mozilla/5.0 (iPhone; CPU iPhone OS 13_1 like Mac OS X) Safari/604.1", true},
      {"SafariMojave", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_1) Version/12 Safari/605",
       false},
      {"ChromeMojave", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_1) Chrome/80 Safari/605",
       true},
  });
  const AffinitySpec conditional{.same_site = SameSite::kNone, .conditional_same_site_none = true};
  for (const auto& row : kRows) {
    EXPECT_EQ(understands_same_site_none(row.user_agent), row.understands) << row.browser;
    auto cookie = plain();
    cookie.user_agent = row.user_agent;
    EXPECT_EQ(write_session_cookie(conditional, cookie).ends_with("; SameSite=None"),
              row.understands)
        << row.browser;
    EXPECT_TRUE(
        write_session_cookie({.same_site = SameSite::kNone}, cookie).ends_with("; SameSite=None"));
    EXPECT_TRUE(write_session_cookie(
                    {.same_site = SameSite::kLax, .conditional_same_site_none = true}, cookie)
                    .ends_with("; SameSite=Lax"));
  }
}

}  // namespace
}  // namespace portico::routing
