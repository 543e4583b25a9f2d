#include "controller/translate/tls_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/translate/testing/manifests.h"

namespace portico::translate {
namespace {

using routing::Settings;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::World;

TEST(TlsValues, VersionsAreThoseThatAreNamedAndServed) {
  struct Row {
    const char* value;
    bool tls12;
    bool tls13;
    bool is_good;
  };
  for (const auto& row :
       {Row{"TLSv1.2 TLSv1.3", true, true, true}, Row{"TLSv1.3", false, true, true},
        Row{"TLSv1.2", true, false, true}, Row{"TLSv1 TLSv1.1 TLSv1.2", true, false, false},
        Row{"TLSv1.1", true, true, false}, Row{"", true, true, false},
        Row{"TLSv1.3,TLSv1.2", true, true, false}}) {
    Settings settings;
    EXPECT_EQ(read_protocols(row.value, settings).has_value(), row.is_good) << row.value;
    EXPECT_EQ(settings.tls.tls12, row.tls12) << row.value;
    EXPECT_EQ(settings.tls.tls13, row.tls13) << row.value;
  }
}

TEST(TlsValues, ListsAreThoseThatOpenSslTakes) {
  Settings settings;
  EXPECT_TRUE(read_ciphers("ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384", settings));
  EXPECT_FALSE(read_ciphers("nonsense", settings));
  EXPECT_EQ(settings.tls.ciphers, "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384");
  EXPECT_TRUE(read_groups("X25519:prime256v1", settings));
  EXPECT_FALSE(read_groups("nonsense", settings));
  EXPECT_EQ(settings.tls.groups, "X25519:prime256v1");
  EXPECT_TRUE(read_groups("auto", settings));
  EXPECT_EQ(settings.tls.groups, "");
  HostTlsReading host;
  EXPECT_FALSE(read_host_ciphers("nonsense", host));
  EXPECT_TRUE(read_host_ciphers("ECDHE-RSA-AES128-GCM-SHA256", host));
  EXPECT_EQ(host.tls.ciphers, "ECDHE-RSA-AES128-GCM-SHA256");
}

TEST(TlsValues, TimesHaveOneUnit) {
  for (const auto& [value, seconds] :
       {std::pair{"600", 600}, std::pair{"30s", 30}, std::pair{"10m", 600}, std::pair{"2h", 7200},
        std::pair{"1d", 86400}, std::pair{"0", 0}, std::pair{"10 m", 0}, std::pair{"8d", 0},
        std::pair{"-1m", 0}, std::pair{"9223372036854775807h", 0}}) {
    Settings settings;
    EXPECT_EQ(read_session_timeout(value, settings).has_value(), seconds != 0) << value;
    EXPECT_EQ(settings.tls.session_timeout.count(), seconds) << value;
  }
}

std::string config_map(const std::string& data) {
  return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {" + data + "}\n";
}

std::string ticket_secret(const std::string& data) {
  return "---\napiVersion: v1\nkind: Secret\nmetadata: {name: tickets}\nstringData: {" + data +
         "}\n";
}

TEST(TicketKeys, OfTheSecretComeByNameAndBeforeTheConfigMaps) {
  World world({.config_map = "default/settings", .ticket_keys_secret = "default/tickets"});
  const auto& keys = [&]() -> const auto& {
    return world.translator.snapshot().settings->tls.ticket_keys;
  };
  // 80 times 'c', as base64.
  std::string encoded;
  for (int i = 0; i < 26; ++i) {
    encoded += "Y2Nj";
  }
  encoded += "Y2M=";
  world.apply(config_map("ssl-session-ticket-key: \"" + encoded + "\""));
  EXPECT_THAT(keys(), ElementsAre(std::string(80, 'c')));
  EXPECT_THAT(world.findings(), HasSubstr("--tls-ticket-keys-secret: there is no such Secret"));
  world.apply(ticket_secret("b: " + std::string(80, 'b') + ", a: " + std::string(80, 'a')));
  EXPECT_THAT(keys(),
              ElementsAre(std::string(80, 'a'), std::string(80, 'b'), std::string(80, 'c')));
  EXPECT_THAT(world.findings(), IsEmpty());
  world.apply(ticket_secret("a: short"));
  EXPECT_THAT(keys(),
              ElementsAre(std::string(80, 'a'), std::string(80, 'b'), std::string(80, 'c')));
  EXPECT_THAT(world.findings(), HasSubstr("entry \"a\" is no ticket key: it has 5 bytes"));
  world.remove(ticket_secret("a: short"));
  EXPECT_THAT(keys(), ElementsAre(std::string(80, 'c')));
}

}  // namespace
}  // namespace portico::translate
