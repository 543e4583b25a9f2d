#include "controller/kube/api/credentials.h"

#include <gtest/gtest.h>

#include "routing/testing/temp_folder.h"

namespace portico::kube {
namespace {

using namespace std::chrono_literals;

// Two clocks and a plugin, under a test's control.
class CredentialsTest : public ::testing::Test {
 protected:
  class Run final : public PluginRun {
   public:
    explicit Run(int& alive) : alive_(alive) { ++alive_; }
    ~Run() override { --alive_; }

   private:
    int& alive_;
  };

  Credentials make(ApiUser user) {
    return Credentials(std::move(user), "INFO",
                       {.clock = [this] { return now_; },
                        .unix_seconds = [this] { return unix_seconds_; },
                        .start_plugin =
                            [this](const ExecPlugin&, const std::string& info, PluginDone done) {
                              EXPECT_EQ(info, "INFO");
                              ++started_;
                              done_ = std::move(done);
                              return std::make_unique<Run>(alive_);
                            }},
                       [this] { ++changes_; });
  }
  static std::string authorization(Credentials& credentials) {
    const auto current = credentials.current();
    return !current              ? "error: " + current.error()
           : *current == nullptr ? "not yet"
                                 : (*current)->authorization;
  }
  void pass(std::chrono::seconds time) {
    now_ += time;
    unix_seconds_ += time.count();
  }
  static std::string answer(std::string_view status) {
    return R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":)" +
           std::string(status) + "}";
  }

  TempFolder folder_;
  std::chrono::steady_clock::time_point now_{1000s};
  std::int64_t unix_seconds_ = 784'111'777;  // 1994-11-06T08:49:37Z
  PluginDone done_;
  int started_ = 0;
  int alive_ = 0;
  int changes_ = 0;
};

const ApiUser kPluginUser{.plugin = {.command = "login",
                                     .api_version = "client.authentication.k8s.io/v1",
                                     .named = "config: user \"a\": exec"}};

TEST_F(CredentialsTest, SpeaksAsItIsTold) {
  auto nobody = make({});
  EXPECT_EQ(authorization(nobody), "");
  auto token = make({.token = {.bytes = " abc\n"}});
  EXPECT_EQ(authorization(token), "Bearer abc");
  auto basic = make({.user_name = "me", .password = "pass"});
  EXPECT_EQ(authorization(basic), "Basic bWU6cGFzcw==");
  auto evil = make({.token = {.bytes = "a\r\nX: y", .named = "config: token"}});
  EXPECT_EQ(authorization(evil), "error: config: token: has a character that no token has");
}

TEST_F(CredentialsTest, ReadsATokenFileAgainOnceAMinute) {
  const std::string file = folder_.write("token", "one");
  auto credentials = make({.token = {.file = file}});
  EXPECT_EQ(authorization(credentials), "Bearer one");
  const std::uint64_t version = (*credentials.current())->version;
  folder_.replace("token", "two");
  pass(59s);
  EXPECT_EQ(authorization(credentials), "Bearer one");
  pass(1s);
  EXPECT_EQ(authorization(credentials), "Bearer two");
  EXPECT_NE((*credentials.current())->version, version);
}

TEST_F(CredentialsTest, ReadsATokenFileAtOnceAfterARefusal) {
  const std::string file = folder_.write("token", "one");
  auto credentials = make({.token = {.file = file}});
  const std::uint64_t version = (*credentials.current())->version;
  EXPECT_FALSE(credentials.refused(version));  // it says what it said
  folder_.replace("token", "two");
  EXPECT_TRUE(credentials.refused(version));
  EXPECT_EQ(authorization(credentials), "Bearer two");
  EXPECT_TRUE(credentials.refused(version));  // another call, sent before that
}

TEST_F(CredentialsTest, AFileThatGoesAwayKeepsWhatItSaid) {
  const std::string file = folder_.write("token", "one");
  auto credentials = make({.token = {.file = file}});
  EXPECT_EQ(authorization(credentials), "Bearer one");
  std::filesystem::remove(file);
  pass(61s);
  EXPECT_EQ(authorization(credentials), "Bearer one");
  folder_.write("token", "");  // being rewritten
  pass(61s);
  EXPECT_EQ(authorization(credentials), "Bearer one");
}

TEST_F(CredentialsTest, AFileThatNeverWasIsAnErrorUntilItIsThere) {
  const std::string file = (folder_ / "token").string();
  auto credentials = make({.token = {.file = file, .named = "config: tokenFile"}});
  EXPECT_EQ(authorization(credentials),
            "error: config: tokenFile: can't read " + file + ": No such file or directory");
  folder_.write("token", "one");
  EXPECT_EQ(authorization(credentials), "Bearer one");
}

TEST_F(CredentialsTest, ACertificateHasAVersionOfItsOwn) {
  folder_.write("tls.crt", "chain");
  folder_.write("tls.key", "key");
  folder_.write("token", "one");
  auto credentials = make({.token = {.file = folder_ / "token"},
                           .certificate = {.file = folder_ / "tls.crt"},
                           .key = {.file = folder_ / "tls.key"}});
  const Credential first = **credentials.current();
  EXPECT_EQ(first.certificate_pem, "chain");
  EXPECT_EQ(first.key_pem, "key");
  folder_.replace("token", "two");
  pass(60s);
  EXPECT_EQ((*credentials.current())->certificate_version, first.certificate_version);
  folder_.replace("tls.crt", "chain 2");
  pass(60s);
  EXPECT_NE((*credentials.current())->certificate_version, first.certificate_version);
}

TEST_F(CredentialsTest, AsksAPluginOnceForAllAndAgainBeforeItsAnswerExpires) {
  auto credentials = make(kPluginUser);
  EXPECT_EQ(authorization(credentials), "not yet");
  EXPECT_EQ(authorization(credentials), "not yet");
  EXPECT_EQ(started_, 1);
  done_(answer(R"({"token":"one","expirationTimestamp":"1994-11-06T08:59:37Z"})"));
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(alive_, 0);
  EXPECT_EQ(authorization(credentials), "Bearer one");
  pass(589s);
  EXPECT_EQ(authorization(credentials), "Bearer one");
  pass(1s);
  EXPECT_EQ(authorization(credentials), "not yet");
  done_(answer(R"({"token":"two"})"));
  pass(24h);
  EXPECT_EQ(authorization(credentials), "Bearer two");
  EXPECT_EQ(started_, 2);
}

TEST_F(CredentialsTest, ARefusalAsksThePluginAgainOnce) {
  auto credentials = make(kPluginUser);
  EXPECT_EQ(authorization(credentials), "not yet");
  done_(answer(R"({"token":"one"})"));
  const std::uint64_t version = (*credentials.current())->version;
  EXPECT_TRUE(credentials.refused(version));
  EXPECT_FALSE(credentials.refused(version));  // it is being asked already
  EXPECT_EQ(authorization(credentials), "not yet");
  done_(answer(R"({"token":"two"})"));
  EXPECT_TRUE(credentials.refused(version));
  EXPECT_EQ(authorization(credentials), "Bearer two");
  EXPECT_EQ(started_, 2);
}

TEST_F(CredentialsTest, APluginGivesAClientCertificate) {
  auto credentials = make(kPluginUser);
  EXPECT_EQ(authorization(credentials), "not yet");
  done_(answer(R"({"clientCertificateData":"chain","clientKeyData":"key"})"));
  EXPECT_EQ((*credentials.current())->certificate_pem, "chain");
  EXPECT_EQ(authorization(credentials), "");
}

TEST_F(CredentialsTest, AFailingPluginIsOneLineAndRestsBeforeItIsAskedAgain) {
  auto credentials = make(kPluginUser);
  EXPECT_EQ(authorization(credentials), "not yet");
  done_(std::unexpected("exited with 1: no session"));
  EXPECT_EQ(changes_, 1);
  const std::string failure = "error: config: user \"a\": exec: login exited with 1: no session";
  EXPECT_EQ(authorization(credentials), failure);
  pass(4s);
  EXPECT_EQ(authorization(credentials), failure);
  EXPECT_EQ(started_, 1);
  pass(1s);
  EXPECT_EQ(authorization(credentials), "not yet");
  EXPECT_EQ(started_, 2);
}

TEST_F(CredentialsTest, APluginsNonsenseIsAFailure) {
  struct Row {
    std::string printed;
    std::string why;
  };
  for (const Row& row : {
           Row{"", "printed nothing"},
           Row{"{}", "printed something that is no ExecCredential"},
           Row{R"({"kind":"ExecCredential","apiVersion":"v0"})",
               "answered in apiVersion \"v0\"; \"client.authentication.k8s.io/v1\" is configured"},
           Row{answer("{}"), "gave neither a token nor a client certificate"},
           Row{answer("null"), "gave neither a token nor a client certificate"},
           Row{answer(R"({"token":"a b"})"), "gave a token with a character that no token has"},
           Row{answer(R"({"clientKeyData":"key"})"),
               "gave one of clientCertificateData and clientKeyData without the other"},
           Row{answer(R"({"token":"a","expirationTimestamp":"soon"})"),
               "gave expirationTimestamp \"soon\", which is no time"},
       }) {
    auto credentials = make(kPluginUser);
    EXPECT_EQ(authorization(credentials), "not yet");
    done_(row.printed);
    EXPECT_EQ(authorization(credentials), "error: config: user \"a\": exec: login " + row.why);
  }
  auto credentials = make(kPluginUser);
  EXPECT_EQ(authorization(credentials), "not yet");
  done_("Please log in");
  EXPECT_TRUE(authorization(credentials)
                  .starts_with("error: config: user \"a\": exec: login printed no JSON: "));
}

TEST_F(CredentialsTest, EndsAPluginThatIsAtWork) {
  {
    auto credentials = make(kPluginUser);
    EXPECT_EQ(authorization(credentials), "not yet");
    EXPECT_EQ(alive_, 1);
  }
  EXPECT_EQ(alive_, 0);
}

TEST(Rfc3339, IsReadWithFractionsAndOffsets) {
  EXPECT_EQ(parse_rfc3339("1994-11-06T08:49:37Z"), 784'111'777);
  EXPECT_EQ(parse_rfc3339("1994-11-06T08:49:37.123456Z"), 784'111'777);
  EXPECT_EQ(parse_rfc3339("1994-11-06T10:49:37+02:00"), 784'111'777);
  EXPECT_EQ(parse_rfc3339("1994-11-06T05:19:37.5-03:30"), 784'111'777);
  for (const char* bad :
       {"", "1994-11-06", "1994-11-06T08:49:37", "1994-13-06T08:49:37Z", "1994-11-06 08:49:37Z",
        "1994-11-06T08:49:37+2", "x994-11-06T08:49:37Z", "1994-11-06T08:49:37.Zx"}) {
    EXPECT_EQ(parse_rfc3339(bad), std::nullopt) << bad;
  }
}

TEST(ExecInfo, TellsTheClusterOnlyWhereItIsWanted) {
  ApiAccess access{.server = "https://a:6443"};
  access.user.plugin = {.command = "x", .api_version = "client.authentication.k8s.io/v1"};
  EXPECT_EQ(exec_info(access, "PEM"),
            R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
            R"("spec":{"interactive":false}})");
  access.user.plugin.wants_cluster = true;
  access.user.plugin.cluster_extension = R"({"audience":"a"})";
  access.tls_server_name = "b";
  access.verify = false;
  EXPECT_EQ(exec_info(access, "PEM"),
            R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
            R"("spec":{"interactive":false,"cluster":{"server":"https://a:6443",)"
            R"("config":{"audience":"a"},"tls-server-name":"b","insecure-skip-tls-verify":true,)"
            R"("certificate-authority-data":"UEVN"}}})");
}

}  // namespace
}  // namespace portico::kube
