#include "controller/cli/serve.h"

#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/cli/admin_client.h"
#include "controller/cli/explain.h"
#include "controller/cli/testing/log_capture.h"
#include "controller/cli/testing/manifest_folder.h"

namespace portico::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// A whole one in a thread, ended by SIGTERM.
class Serve : public ::testing::Test {
 protected:
  Serve() {
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, nullptr);  // for whoever takes it: the one under test
    folder_.write("web.yaml", testing::kWeb);
    folder_.write("ingress.yaml", testing::kIngress);
    const auto any_port = *net::SocketAddress::parse("127.0.0.1:0");
    options_.manifests = folder_.path();
    options_.admin = options_.server.http = options_.server.https = any_port;
  }

  // The admin address, once ready.
  std::string start() {
    running_ = std::thread([this] { status_ = run_serve(options_); });
    const auto limit = std::chrono::steady_clock::now() + 60s;
    std::string log;
    while (!log.ends_with("ready\n") && std::chrono::steady_clock::now() < limit) {
      log += log_.take();
      std::this_thread::yield();
    }
    const auto at = log.find("listening admin ") + 16;
    return log.substr(at, log.find('\n', at) - at);
  }

  int stop() {
    ::kill(::getpid(), SIGTERM);
    running_.join();
    return status_;
  }

  int explain_by(const std::string& admin, const std::string& url) {
    std::ostringstream out;
    const int status = run_explain({.url = url, .admin = admin}, out);
    output_ = out.str();
    return status;
  }

  testing::ManifestFolder folder_;
  testing::LogCapture log_;
  ServeOptions options_;
  std::thread running_;
  int status_ = -1;
  std::string output_;
};

TEST_F(Serve, EndsWithZeroOnceDrained) {
  start();
  EXPECT_EQ(stop(), 0);
  EXPECT_THAT(log_.take(), HasSubstr("drained"));
}

TEST_F(Serve, ExplainsUrlsOfWhatItServes) {
  const auto admin = start();
  EXPECT_EQ(explain_by("http://" + admin + "/", "https://WEB.test/app?x=%41&y"), 0);
  EXPECT_THAT(output_, HasSubstr("request      https web.test, path /app\n"));
  EXPECT_THAT(output_, HasSubstr("served by    Ingress default/web, spec.rules[0].http.paths[0]"));
  EXPECT_THAT(output_, HasSubstr("there is no Service \"nobody\""));
  EXPECT_EQ(explain_by(admin, "http://other.test/"), 1);
  EXPECT_THAT(output_, HasSubstr("answer       404"));
  EXPECT_EQ(stop(), 0);
}

TEST_F(Serve, RefusesToExplainWhatIsNoUrl) {
  const auto admin = start();
  for (const auto* query : {"", "?url=", "?url=%", "?url=web.test", "?u=http%3A%2F%2Fa%2F"}) {
    const auto answer = get_from_admin(admin, std::string("/explain") + query);
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->status, 400) << query;
  }
  EXPECT_EQ(stop(), 0);
}

TEST_F(Serve, IsNotAskedOnceGone) {
  const auto admin = start();
  EXPECT_EQ(stop(), 0);
  EXPECT_EQ(explain_by(admin, "http://web.test/"), 2);
}

}  // namespace
}  // namespace portico::cli
