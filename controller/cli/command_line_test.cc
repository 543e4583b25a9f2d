#include "controller/cli/command_line.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/cli/testing/manifest_folder.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"

namespace portico::cli {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int status = 0;
  std::string out, err;
};

Outcome portico(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "portico");
  std::vector<char*> argv;
  for (auto& argument : arguments) {
    argv.push_back(argument.data());
  }
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.status = run(static_cast<int>(argv.size()), argv.data());
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

struct Refusal {
  const char* name;
  std::vector<std::string> arguments;
  const char* says;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

class CommandLineRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(CommandLineRefuses, WithOneLineAndStatusTwo) {
  const auto outcome = portico(GetParam().arguments);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  EXPECT_THAT(outcome.err, ::testing::StartsWith("portico"));
  EXPECT_THAT(outcome.err, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    All, CommandLineRefuses,
    ::testing::Values(
        Refusal{"NoSubcommand", {}, "--help"}, Refusal{"UnknownSubcommand", {"sevre"}, "--help"},
        Refusal{"UnknownFlag", {"serve", "--manifests", "x", "--htpp-address", "y"}, "htpp"},
        Refusal{"ManifestsAndKubeconfig",
                {"serve", "--manifests", "x", "--kubeconfig", "y"},
                "either --manifests or --kubeconfig"},
        Refusal{
            "MissingKubeconfig", {"serve", "--kubeconfig", "/nowhere/config"}, "/nowhere/config"},
        Refusal{"TwoWaysToChooseNamespaces",
                {"serve", "--watch-namespace", "a", "--watch-namespace-selector", "b=c"},
                "either --watch-namespace or --watch-namespace-selector"},
        Refusal{"BadNamespace", {"serve", "--watch-namespace", "A b"}, "\"A b\" is no namespace"},
        Refusal{"BadSelector",
                {"serve", "--watch-namespace-selector", "a in b"},
                "--watch-namespace-selector: after \"in\""},
        Refusal{"BadConfigMap", {"serve", "--configmap", "x"}, "\"x\" is not NAMESPACE/NAME"},
        Refusal{"BadPublishService",
                {"serve", "--publish-service", "a/b/c"},
                "\"a/b/c\" is not NAMESPACE/NAME"},
        Refusal{"TwoKindsOfAddresses",
                {"serve", "--publish-service", "a/b", "--publish-status-address", "192.0.2.1"},
                "either --publish-service or --publish-status-address"},
        Refusal{"BadElectionTime", {"serve", "--election-ttl", "5"}, "\"5\" is not a time"},
        Refusal{"TooShortElectionTime",
                {"serve", "--election-ttl", "1ms"},
                "\"1ms\" is not a time of a second or more"},
        Refusal{"BadBoolean", {"serve", "--update-status=maybe"}, "--update-status"},
        Refusal{"BadAddress",
                {"serve", "--manifests", "x", "--http-address", "localhost:http"},
                "\"localhost:http\" is not ADDRESS:PORT"},
        Refusal{"BadAddressPort",
                {"serve", "--manifests", "x", "--admin-address", "127.0.0.1:70000"},
                "--admin-address"},
        Refusal{"BadLogFormat",
                {"serve", "--manifests", "x", "--access-log", "xml"},
                "--access-log: xml not in {off,json,nginx}"},
        Refusal{"BadPublicPort",
                {"serve", "--manifests", "x", "--public-http-port", "0"},
                "--public-http-port"},
        Refusal{"TooHighPublicPort",
                {"serve", "--manifests", "x", "--public-https-port", "65536"},
                "--public-https-port"},
        Refusal{"NegativeWorkers", {"serve", "--manifests", "x", "--workers", "-1"}, "--workers"},
        Refusal{"BadSeconds",
                {"serve", "--manifests", "x", "--shutdown-grace-period", "10s"},
                "--shutdown-grace-period"},
        Refusal{"BadDefaultBackend",
                {"serve", "--manifests", "x", "--default-backend-service", "web"},
                "\"web\" is not NAMESPACE/NAME"},
        Refusal{"DefaultBackendWithoutAPort",
                {"serve", "--manifests", "x", "--default-backend-service", "a/web:"},
                "\"a/web:\" is not NAMESPACE/NAME"},
        Refusal{"CheckOfNothing", {"check"}, "path is required"},
        Refusal{"CheckOfAMissingPath", {"check", "/nowhere"}, "can't read /nowhere"},
        Refusal{"ExplainWithoutASource", {"explain", "http://a/"}, "--manifests PATH or --admin"},
        Refusal{"ExplainWithTwoSources",
                {"explain", "http://a/", "--manifests", "x", "--admin", "y"},
                "--manifests PATH or --admin"},
        Refusal{
            "ExplainOfNoUrl", {"explain", "a", "--manifests", "x"}, "neither http:// nor https://"},
        Refusal{"ExplainByNoAdminAddress",
                {"explain", "http://a/", "--admin", "http://a:b"},
                "write it as http://127.0.0.1:10254"}),
    [](const auto& info) { return info.param.name; });

TEST(CommandLine, HelpNamesTheFlags) {
  const auto outcome = portico({"serve", "--help"});
  EXPECT_EQ(outcome.status, 0);
  for (const auto* flag : {"--manifests",
                           "--http-address",
                           "--https-address",
                           "--admin-address",
                           "--public-http-port",
                           "--public-https-port",
                           "--shutdown-grace-period",
                           "--worker-shutdown-timeout",
                           "--access-log",
                           "--access-log-path",
                           "--workers",
                           "--ingress-class",
                           "--controller-class",
                           "--default-backend-service",
                           "--kubeconfig",
                           "--context",
                           "--watch-namespace",
                           "--watch-namespace-selector",
                           "--zone",
                           "--node-name",
                           "--configmap",
                           "--publish-service",
                           "--publish-status-address",
                           "--report-node-internal-ip-address",
                           "--update-status",
                           "--update-status-on-shutdown",
                           "--election-id",
                           "--election-ttl",
                           "--disable-leader-election"}) {
    EXPECT_THAT(outcome.out, HasSubstr(flag));
  }
}

TEST(CommandLine, PrintsTheVersion) {
  EXPECT_EQ(portico({"version"}).out, "portico " PORTICO_VERSION "\n");
}

// What only opening shows.
class ServeRefuses : public ::testing::Test {
 protected:
  Outcome serve(const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"serve",          "--workers",       "1",
                                    "--http-address", "127.0.0.1:0",     "--https-address",
                                    "127.0.0.1:0",    "--admin-address", "127.0.0.1:0",
                                    "--manifests",    folder_.path()};
    for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
      const auto flag = std::ranges::find(all, arguments[i]);
      if (flag == all.end()) {
        all.insert(all.end(), {arguments[i], arguments[i + 1]});
      } else {
        *std::next(flag) = arguments[i + 1];
      }
    }
    auto outcome = portico(all);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
    return outcome;
  }

  testing::ManifestFolder folder_;
};

TEST_F(ServeRefuses, APathThatIsNotThere) {
  EXPECT_THAT(serve({"--manifests", folder_.path() + "/none"}).err,
              HasSubstr("--manifests: can't read " + folder_.path() + "/none: No such file"));
}

TEST_F(ServeRefuses, AnAccessLogThatCannotBeOpened) {
  EXPECT_THAT(
      serve({"--access-log", "json", "--access-log-path", folder_.path() + "/none/log"}).err,
      HasSubstr(folder_.path() + "/none/log"));
}

TEST_F(ServeRefuses, APortInUse) {
  net::Loop loop;
  const auto taken =
      net::Listener::open(loop, *net::SocketAddress::parse("127.0.0.1:0"), [](auto) {});
  ASSERT_TRUE(taken) << taken.error();
  const auto address = (*taken)->local_address().to_string();
  for (const auto* flag : {"--http-address", "--https-address", "--admin-address"}) {
    EXPECT_THAT(serve({flag, address}).err, HasSubstr(address)) << flag;
  }
}

}  // namespace
}  // namespace portico::cli
