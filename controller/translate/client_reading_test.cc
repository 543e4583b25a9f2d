#include "controller/translate/client_reading.h"

#include <gmock/gmock.h>

#include "controller/translate/config_map.h"
#include "controller/translate/testing/manifests.h"

namespace portico::translate {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ConfigMapReading read(const std::string& key, const std::string& value) {
  kube::ConfigMap object;
  object.data.emplace(key, value);
  return read_config_map("ingress/settings", &object);
}

routing::ClientSettings clients(const std::string& key, const std::string& value) {
  const auto reading = read(key, value);
  EXPECT_THAT(reading.diagnostics, IsEmpty()) << key;
  return reading.settings.clients;
}

TEST(ClientReading, SetsEachLimitByItself) {
  EXPECT_EQ(clients("client-header-timeout", "7"), routing::ClientSettings{.head_timeout = 7s});
  EXPECT_EQ(clients("client-body-timeout", "8"), routing::ClientSettings{.body_timeout = 8s});
  EXPECT_EQ(clients("keep-alive", "9"), routing::ClientSettings{.idle_timeout = 9s});
  EXPECT_EQ(clients("keep-alive-requests", "10"), routing::ClientSettings{.requests = 10});
  EXPECT_EQ(clients("use-http2", "false"), routing::ClientSettings{.http2 = false});
  EXPECT_EQ(clients("http2-max-concurrent-streams", "11"),
            routing::ClientSettings{.max_concurrent_streams = 11});
}

TEST(ClientReading, DefaultsAreThoseOfIngressNginxButForRequests) {
  const routing::ClientSettings defaults;
  EXPECT_EQ(defaults.head_timeout, 60s);
  EXPECT_EQ(defaults.body_timeout, 60s);
  EXPECT_EQ(defaults.idle_timeout, 75s);
  EXPECT_EQ(defaults.requests, 10'000U);
  EXPECT_TRUE(defaults.http2);
  EXPECT_EQ(defaults.max_concurrent_streams, 128U);
}

TEST(ClientReading, NoKeepAliveIsOneRequestAConnection) {
  EXPECT_FALSE(clients("keep-alive", "0").keeps_after(1));
  EXPECT_FALSE(clients("keep-alive-requests", "0").keeps_after(1));
  EXPECT_FALSE(clients("keep-alive-requests", "1").keeps_after(1));
  EXPECT_TRUE(clients("keep-alive-requests", "2").keeps_after(1));
  EXPECT_FALSE(clients("keep-alive-requests", "2").keeps_after(2));
}

TEST(ClientReading, ValuesThatCannotBeReadAreErrorsAndTheDefaultHolds) {
  const std::pair<const char*, const char*> rows[] = {
      {"client-header-timeout", "60s"},
      {"client-header-timeout", "0"},
      {"client-body-timeout", "-1"},
      {"client-body-timeout", ""},
      {"keep-alive", "75s"},
      {"keep-alive", "-1"},
      {"keep-alive", "31536001"},
      {"keep-alive-requests", "many"},
      {"keep-alive-requests", "-1"},
      {"use-http2", "off"},
      {"http2-max-concurrent-streams", "0"},
      {"http2-max-concurrent-streams", "65536"},
      {"http2-max-concurrent-streams", "1k"},
  };
  for (const auto& [key, value] : rows) {
    const auto reading = read(key, value);
    EXPECT_EQ(reading.settings, routing::Settings()) << key << ": " << value;
    ASSERT_THAT(reading.diagnostics, SizeIs(1)) << key << ": " << value;
    EXPECT_EQ(reading.diagnostics[0].severity, routing::Severity::kError);
    EXPECT_THAT(testing::lines(reading.diagnostics), HasSubstr(std::string("data.") + key));
  }
}

TEST(ClientReading, ConnectionsOfAWorkerAreAFlagsAffair) {
  const auto reading = read("max-worker-connections", "65536");
  ASSERT_THAT(reading.diagnostics, SizeIs(1));
  EXPECT_EQ(reading.diagnostics[0].severity, routing::Severity::kWarning);
  EXPECT_THAT(testing::lines(reading.diagnostics), HasSubstr("--max-connections"));
  EXPECT_THAT(read("max-worker-connections", "0").diagnostics, IsEmpty());
}

}  // namespace
}  // namespace portico::translate
