#include "proxy/exchange/client_facts.h"

#include <gtest/gtest.h>

namespace portico::exchange {
namespace {

using http::FieldId;
using routing::ClientAddressSettings;

struct ClientFactsTest : ::testing::Test {
  ClientFactsTest() {
    head.authority = "a.example:8080";
    connection.peer = *net::SocketAddress::parse("10.0.0.1:40000");
    connection.local = *net::SocketAddress::parse("192.0.2.1:80");
    settings.trusted_proxies = *routing::CidrSet::parse("10.0.0.0/8");
  }
  void say(FieldId id, std::string_view name, std::string_view value) {
    head.fields.add(id, name, value);
  }
  void claim() {
    say(FieldId::kXForwardedFor, "X-Forwarded-For", "198.51.100.1, 203.0.113.7, 10.9.9.9");
    say(FieldId::kXForwardedProto, "X-Forwarded-Proto", "https");
    say(FieldId::kXForwardedPort, "X-Forwarded-Port", "8443");
    say(FieldId::kXForwardedHost, "X-Forwarded-Host", "Shop.Example:81, inner");
  }
  const ClientFacts& decided() {
    facts.decide(settings, head, connection);
    return facts;
  }

  ClientAddressSettings settings;
  http::RequestHead head;
  net::TransportInfo connection;
  ClientFacts facts;
};

TEST_F(ClientFactsTest, AreTheConnectionsOwnWhereNothingIsBelieved) {
  claim();
  EXPECT_EQ(decided().address_text(), "10.0.0.1");
  EXPECT_EQ(facts.forwarded_for(), "10.0.0.1");
  EXPECT_FALSE(facts.https());
  EXPECT_EQ(facts.host(), "a.example:8080");
  EXPECT_EQ(facts.redirect_host(), "");
  EXPECT_EQ(facts.port(), "");
  EXPECT_EQ(facts.forwarded(), "");
}

TEST_F(ClientFactsTest, AreWhatATrustedProxySays) {
  settings.use_forwarded_headers = true;
  claim();
  EXPECT_EQ(decided().address_text(), "203.0.113.7");
  EXPECT_TRUE(facts.https());
  EXPECT_EQ(facts.host(), "Shop.Example:81");
  EXPECT_EQ(facts.redirect_host(), "shop.example");
  EXPECT_EQ(facts.port(), "8443");
}

TEST_F(ClientFactsTest, AreNotWhatAnotherSays) {
  settings.use_forwarded_headers = true;
  connection.peer = *net::SocketAddress::parse("203.0.113.9:40000");
  claim();
  EXPECT_EQ(decided().address_text(), "203.0.113.9");
  EXPECT_FALSE(facts.https());
  EXPECT_EQ(facts.port(), "");
}

TEST_F(ClientFactsTest, TakeTheAddressAloneForRealIp) {
  settings.enable_real_ip = true;
  claim();
  EXPECT_EQ(decided().address_text(), "203.0.113.7");
  EXPECT_FALSE(facts.https());
  EXPECT_EQ(facts.host(), "a.example:8080");
}

TEST_F(ClientFactsTest, TakeAPROXYHeadersWordForTheAddress) {
  settings.enable_real_ip = true;
  connection.announced = net::Announced::kHttps;
  connection.local = *net::SocketAddress::parse("192.0.2.1:443");
  say(FieldId::kXForwardedFor, "X-Forwarded-For", "198.51.100.1");
  EXPECT_EQ(decided().address_text(), "10.0.0.1");
  EXPECT_TRUE(facts.https());
  EXPECT_EQ(facts.port(), "443");
}

TEST_F(ClientFactsTest, LookBehindATrustedProxyThatAPROXYHeaderNames) {
  settings.use_forwarded_headers = true;
  connection.announced = net::Announced::kHttps;
  claim();
  EXPECT_EQ(decided().address_text(), "203.0.113.7");
  EXPECT_EQ(facts.port(), "8443");
  connection.peer = *net::SocketAddress::parse("203.0.113.9:40000");
  EXPECT_EQ(decided().address_text(), "203.0.113.9");
  settings.trusted_proxies.reset();
  EXPECT_EQ(decided().address_text(), "203.0.113.9") << "nobody has said whom to trust";
}

TEST_F(ClientFactsTest, PassOnNoListOfAPeerThatIsNotTrusted) {
  settings.use_forwarded_headers = settings.compute_full_forwarded_for = true;
  settings.forwarded_header = true;
  connection.peer = *net::SocketAddress::parse("203.0.113.9:40000");
  claim();
  say(FieldId::kForwarded, "Forwarded", "for=198.51.100.1");
  EXPECT_EQ(decided().forwarded_for(), "203.0.113.9");
  EXPECT_EQ(facts.forwarded(), "for=203.0.113.9;host=\"a.example:8080\";proto=http");
}

TEST_F(ClientFactsTest, AppendThePeerWhereTheFullListIsAskedFor) {
  settings.use_forwarded_headers = settings.compute_full_forwarded_for = true;
  say(FieldId::kXForwardedFor, "X-Forwarded-For", "203.0.113.7");
  say(FieldId::kXForwardedFor, "x-forwarded-for", "10.9.9.9");
  EXPECT_EQ(decided().forwarded_for(), "203.0.113.7, 10.9.9.9, 10.0.0.1");
  EXPECT_EQ(facts.address_text(), "203.0.113.7");
}

TEST_F(ClientFactsTest, BeginAListOfForwardedWithTheClient) {
  settings.use_forwarded_headers = settings.compute_full_forwarded_for = true;
  settings.forwarded_header = true;
  say(FieldId::kXForwardedFor, "X-Forwarded-For", "203.0.113.7, 10.9.9.9");
  EXPECT_EQ(decided().forwarded(), "for=203.0.113.7;host=\"a.example:8080\";proto=http");
}

TEST_F(ClientFactsTest, AppendToAListOfForwarded) {
  settings.use_forwarded_headers = settings.compute_full_forwarded_for = true;
  settings.forwarded_header = true;
  say(FieldId::kForwarded, "Forwarded", "for=203.0.113.7");
  EXPECT_EQ(decided().forwarded(),
            "for=203.0.113.7, for=10.0.0.1;host=\"a.example:8080\";proto=http");
}

TEST_F(ClientFactsTest, ReadForwardedBeforeTheOthers) {
  settings.use_forwarded_headers = settings.forwarded_header = true;
  claim();
  say(FieldId::kForwarded, "Forwarded",
      "for=198.51.100.1, for=\"[2001:db8::7]:1\";proto=http;host=b.example, for=10.9.9.9");
  EXPECT_EQ(decided().address_text(), "2001:db8::7");
  EXPECT_FALSE(facts.https());
  EXPECT_EQ(facts.host(), "b.example");
  EXPECT_EQ(facts.forwarded(), "for=\"[2001:db8::7]\";host=b.example;proto=http");
}

}  // namespace
}  // namespace portico::exchange
