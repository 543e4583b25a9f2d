#include "controller/translate/client_address_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/config_map.h"

namespace portico::translate {
namespace {

using namespace std::chrono_literals;
using routing::Severity;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ConfigMapReading read(std::map<std::string, std::string, std::less<>> data) {
  kube::ConfigMap object;
  object.data = std::move(data);
  return read_config_map("ingress/settings", &object);
}

bool trusts(const ConfigMapReading& reading, std::string_view ip) {
  std::array<std::uint8_t, 16> buffer;
  return reading.settings.client_address.trusts(routing::parse_ip(ip, buffer));
}

TEST(ClientAddressReading, NothingIsBelievedUnlessItIsAskedFor) {
  const auto reading = read({});
  EXPECT_EQ(reading.settings.client_address, routing::ClientAddressSettings());
  EXPECT_FALSE(reading.settings.client_address.reads_headers());
  EXPECT_FALSE(reading.settings.client_address.use_proxy_protocol);
}

TEST(ClientAddressReading, AValueThatCanNotBeReadBelievesNobody) {
  for (const auto* key : {"use-forwarded-headers", "enable-real-ip", "use-proxy-protocol",
                          "compute-full-forwarded-for", "forwarded-header"}) {
    const auto reading = read({{key, "yes"}});
    ASSERT_THAT(reading.diagnostics, SizeIs(1)) << key;
    EXPECT_EQ(reading.diagnostics[0].severity, Severity::kError);
    EXPECT_EQ(reading.settings, routing::Settings()) << key;
  }
}

TEST(ClientAddressReading, OfAListTheNetworksThatCanBeReadAreTrusted) {
  const auto reading =
      read({{"use-forwarded-headers", "true"},
            {"proxy-real-ip-cidr", "10.0.0.0/8, balancer.example\n2001:db8::/32,10.0.0.0/33"}});
  EXPECT_THAT(reading.diagnostics, SizeIs(1));
  EXPECT_TRUE(trusts(reading, "10.1.2.3"));
  EXPECT_TRUE(trusts(reading, "2001:db8::1"));
  EXPECT_FALSE(trusts(reading, "192.0.2.1"));
}

TEST(ClientAddressReading, AListWithoutANetworkTrustsNobody) {
  for (const auto* list : {"", " , ", "balancer.example"}) {
    const auto reading = read({{"use-forwarded-headers", "true"}, {"proxy-real-ip-cidr", list}});
    EXPECT_THAT(reading.diagnostics, SizeIs(1)) << list;
    EXPECT_FALSE(trusts(reading, "127.0.0.1")) << list;
  }
}

TEST(ClientAddressReading, WhoeverBelievesEverybodyIsWarned) {
  for (const auto* list :
       {"0.0.0.0/0,::/0", "0.0.0.0/0", "::/0", "0.0.0.0/1 128.0.0.0/1", "10.0.0.0/8,0.0.0.0/0"}) {
    for (const auto* key : {"use-forwarded-headers", "enable-real-ip", "use-proxy-protocol"}) {
      const auto reading = read({{key, "true"}, {"proxy-real-ip-cidr", list}});
      ASSERT_THAT(reading.diagnostics, SizeIs(1)) << key << " " << list;
      EXPECT_EQ(reading.diagnostics[0].severity, Severity::kWarning);
      EXPECT_EQ(reading.diagnostics[0].field, "data.proxy-real-ip-cidr");
    }
  }
  EXPECT_THAT(read({{"use-proxy-protocol", "true"}}).diagnostics, SizeIs(1));
  EXPECT_THAT(read({{"proxy-real-ip-cidr", "0.0.0.0/0"}}).diagnostics, IsEmpty());
  EXPECT_THAT(
      read({{"use-proxy-protocol", "true"}, {"proxy-real-ip-cidr", "10.0.0.0/8"}}).diagnostics,
      IsEmpty());
}

TEST(ClientAddressReading, DurationsHaveOneUnitAndAreNotNothing) {
  const std::pair<const char*, std::chrono::milliseconds> rows[] = {{"5", 5s},
                                                                    {"5s", 5s},
                                                                    {"10m", 10min},
                                                                    {"1h", 1h},
                                                                    {"500ms", 500ms},
                                                                    {"0", 0ms},
                                                                    {"", 0ms},
                                                                    {"-1s", 0ms},
                                                                    {"1h30m", 0ms},
                                                                    {"5 s", 0ms},
                                                                    {"9223372036854775807h", 0ms}};
  for (const auto& [text, duration] : rows) {
    EXPECT_EQ(read_duration(text).value_or(0ms), duration) << text;
  }
}

TEST(ClientAddressReading, HeadersAreNamedByLettersDigitsAndDashes) {
  EXPECT_EQ(read_header_name("CF-Connecting-IP"), "CF-Connecting-IP");
  for (const auto* text : {"", "a b", "X_Real_IP", "a:", "a\r\nb"}) {
    EXPECT_FALSE(read_header_name(text)) << text;
  }
}

}  // namespace
}  // namespace portico::translate
