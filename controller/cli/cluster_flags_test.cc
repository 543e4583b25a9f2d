#include "controller/cli/cluster_flags.h"

#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portico::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

ServeOptions parse(std::vector<std::string> arguments) {
  ServeOptions options;
  ClusterFlags flags;
  CLI::App app;
  add_cluster_flags(app, options, flags);
  std::ranges::reverse(arguments);  // as CLI11 takes them
  app.parse(arguments);
  read_cluster_flags(flags, options);
  return options;
}

TEST(ClusterFlags, DefaultsReadTheWholeClusterAndWriteStatus) {
  const auto options = parse({});
  EXPECT_EQ(options.scope.namespace_, "");
  EXPECT_FALSE(options.scope.namespaces);
  EXPECT_TRUE(options.status.update_status);
  EXPECT_TRUE(options.status.update_on_shutdown);
  EXPECT_FALSE(options.status.election.disabled);
  EXPECT_FALSE(options.translate.classes.classless_folder);
}

TEST(ClusterFlags, SayWhatIsRead) {
  const auto options = parse({"--watch-namespace-selector", "team=web", "--configmap", "a/b"});
  ASSERT_TRUE(options.scope.namespaces);
  EXPECT_TRUE(options.scope.namespaces->matches({{"team", "web"}}));
  EXPECT_EQ(options.scope.config_map, "a/b");
  EXPECT_EQ(options.translate.config_map, "a/b");
}

TEST(ClusterFlags, SayWhereThisReplicaRuns) {
  const auto options = parse({"--zone", "z1", "--node-name", "n1"});
  EXPECT_EQ(options.translate.location.zone, "z1");
  EXPECT_EQ(options.translate.location.node, "n1");
}

TEST(ClusterFlags, TheDefaultCertificateIsReadWhereverItIs) {
  const auto options =
      parse({"--watch-namespace", "shop", "--default-ssl-certificate", "edge/any"});
  EXPECT_EQ(options.translate.default_ssl_certificate, "edge/any");
  EXPECT_EQ(options.scope.default_certificate, "edge/any");
}

TEST(ClusterFlags, SayWhatIsWritten) {
  const auto options =
      parse({"--update-status=false", "--update-status-on-shutdown=false",
             "--publish-status-address", "192.0.2.1, lb.test,", "--election-ttl", "1m30s",
             "--report-node-internal-ip-address", "--disable-leader-election"});
  EXPECT_FALSE(options.status.update_status);
  EXPECT_FALSE(options.status.update_on_shutdown);
  EXPECT_THAT(options.status.publish_status_addresses, ElementsAre("192.0.2.1", "lb.test"));
  EXPECT_EQ(options.status.election.ttl, 90s);
  EXPECT_TRUE(options.status.report_node_internal_ip);
  EXPECT_TRUE(options.status.election.disabled);
}

TEST(ClusterFlags, ThePublishedServiceIsReadToo) {
  EXPECT_EQ(parse({"--publish-service", "infra/portico"}).scope.publish_service, "infra/portico");
}

}  // namespace
}  // namespace portico::cli
