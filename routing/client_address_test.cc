#include "routing/client_address.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

ClientAddressSettings trusting(std::string_view networks) {
  return {.trusted_proxies = *CidrSet::parse(networks)};
}

std::string_view client(const ClientAddressSettings& settings, std::string_view list) {
  ForwardedWalk walk(settings);
  walk.take_list(list);
  return walk.client();
}

TEST(ForwardedWalk, EndsAtTheFirstThatIsNotTrusted) {
  const auto settings = trusting("10.0.0.0/8 ::1");
  const std::pair<const char*, const char*> rows[] = {
      {"192.0.2.7", "192.0.2.7"},
      {"198.51.100.1, 192.0.2.7", "192.0.2.7"},
      {"198.51.100.1, 192.0.2.7, 10.1.1.1,10.2.2.2", "192.0.2.7"},
      {"198.51.100.1,192.0.2.7 , ::1", "192.0.2.7"},
      {"192.0.2.7:5555, [::1]:80", "192.0.2.7"},
      {"[2001:db8::7]:443", "2001:db8::7"},
      {"2001:db8::7, ::ffff:10.1.1.1", "2001:db8::7"},
      {"10.1.1.1, 10.2.2.2", "10.1.1.1"},
      {"192.0.2.7, , ,", "192.0.2.7"},
      {"", ""},
      {" , ", ""},
  };
  for (const auto& [list, expected] : rows) {
    EXPECT_EQ(client(settings, list), expected) << list;
  }
}

TEST(ForwardedWalk, EndsBeforeWhatIsNoAddress) {
  const auto settings = trusting("10.0.0.0/8");
  const std::pair<const char*, const char*> rows[] = {
      {"unknown", ""},
      {"192.0.2.7, unknown", ""},
      {"192.0.2.7, unknown, 10.1.1.1", "10.1.1.1"},
      {"192.0.2.7, 10.1.1.1:x, 10.2.2.2", "10.2.2.2"},
      {"192.0.2.7, <script>, 10.1.1.1", "10.1.1.1"},
      {"192.0.2.7 192.0.2.8", ""},
      {"999.0.2.7", ""},
      {"[192.0.2.7]", ""},
      {"[::1", ""},
      {"fe80::1%eth0", ""},
  };
  for (const auto& [list, expected] : rows) {
    EXPECT_EQ(client(settings, list), expected) << list;
  }
}

TEST(ForwardedWalk, GoesOnFromLineToLine) {
  const auto settings = trusting("10.0.0.0/8");
  ForwardedWalk walk(settings);
  EXPECT_TRUE(walk.take_list("10.1.1.1"));
  EXPECT_FALSE(walk.take_list("198.51.100.1, 192.0.2.7"));
  EXPECT_EQ(walk.client(), "192.0.2.7");
}

TEST(ForwardedWalk, ReachesTheFarthestWhereEverybodyIsTrusted) {
  EXPECT_EQ(client({}, "198.51.100.1, 192.0.2.7, 10.1.1.1"), "198.51.100.1");
}

TEST(ForwardedWalk, GoesWhereANaiveWalkGoes) {
  const auto settings = trusting("10.0.0.0/8");
  const char* const nodes[] = {"10.1.1.1", "192.0.2.7", "x", "", "10.0.0.9", " 10.3.3.3 "};
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> hops;
    std::string list;
    for (auto count = random() % 7; count > 0; --count) {
      hops.emplace_back(nodes[random() % 6]);
      list += (list.empty() && hops.size() == 1 ? "" : ",") + hops.back();
    }
    std::string expected;
    for (auto hop = hops.rbegin(); hop != hops.rend() && *hop != "x"; ++hop) {
      if (hop->empty()) {
        continue;
      }
      expected = *hop == " 10.3.3.3 " ? "10.3.3.3" : *hop;
      if (!expected.starts_with("10.")) {
        break;
      }
    }
    ASSERT_EQ(client(settings, list), expected) << list;
  }
}

TEST(ForwardedFields, SayASchemeAndAPortOrNothing) {
  EXPECT_EQ(forwarded_https("https"), true);
  EXPECT_EQ(forwarded_https("HTTPS, http"), true);
  EXPECT_EQ(forwarded_https("wss"), true);
  EXPECT_EQ(forwarded_https("http"), false);
  EXPECT_EQ(forwarded_https("ws"), false);
  for (const auto* value : {"", "ftp", "httpsx", "http s", ",https"}) {
    EXPECT_EQ(forwarded_https(value), std::nullopt) << value;
  }
  EXPECT_EQ(forwarded_port("8443, 80"), "8443");
  for (const auto* value : {"", "0", "65536", "80x", "-1", "080"}) {
    EXPECT_EQ(forwarded_port(value), "") << value;
  }
}

TEST(ForwardedElements, AreReadWithTheirQuotes) {
  const ForwardedElements elements(
      "for=192.0.2.43;Proto=https;by=\"a,b;c\", ,For=\"[2001:db8:cafe::17]:4711\" ; "
      "host=\"a.example:8080\",for=unknown");
  ASSERT_EQ(elements.all().size(), 3);
  const auto first = ForwardedElements::read(elements.all()[0]);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->node, "192.0.2.43");
  EXPECT_EQ(first->proto, "https");
  const auto second = ForwardedElements::read(elements.all()[1]);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(address_of_node(second->node), "2001:db8:cafe::17");
  EXPECT_EQ(second->host, "a.example:8080");
  EXPECT_EQ(address_of_node(ForwardedElements::read(elements.all()[2])->node), "");
}

TEST(ForwardedElements, AreNoneWhereTheLineIsBroken) {
  EXPECT_TRUE(ForwardedElements("for=\"192.0.2.1").all().empty());
  std::string many;
  for (std::size_t i = 0; i <= ForwardedElements::kMaxHops; ++i) {
    many += "for=a,";
  }
  EXPECT_TRUE(ForwardedElements(many).all().empty());
  for (const auto* element : {"for", "=x", "for=a b", "for=\"a\"b", "for=\"a\\\"b\"", "f or=a"}) {
    EXPECT_FALSE(ForwardedElements::read(element).has_value()) << element;
  }
}

TEST(Forwarded, IsWrittenWithQuotesWhereTheyAreNeeded) {
  std::string text;
  append_forwarded(text, "192.0.2.7", "a.example", "https");
  EXPECT_EQ(text, "for=192.0.2.7;host=a.example;proto=https");
  text = "for=a, ";
  append_forwarded(text, "2001:db8::7", "a.example:8080", "http");
  EXPECT_EQ(text, "for=a, for=\"[2001:db8::7]\";host=\"a.example:8080\";proto=http");
  text.clear();
  append_forwarded(text, "192.0.2.7", "", "http");
  EXPECT_EQ(text, "for=192.0.2.7;proto=http");
}

}  // namespace
}  // namespace portico::routing
