#include "controller/cli/external_names.h"

#include <chrono>
#include <map>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/kube/testing/fake_dns_server.h"

namespace portico::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class ExternalNamesTest : public ::testing::Test {
 protected:
  ExternalNamesTest() {
    server_.records["a.test"] = {.addresses = {"127.0.0.1"}};
    server_.records["b.test"] = {.addresses = {"10.0.0.2", "10.0.0.1"}};
    auto resolver =
        kube::DnsResolver::open(loop_, {.servers = {server_.address()}, .shortest = 20ms});
    names_.emplace(std::move(*resolver), [this](const std::string& name, kube::Resolution known) {
      known_[name] = std::move(known.addresses);
      ++told_[name];
    });
  }
  bool until(std::move_only_function<bool()> done) { return loop_.run_until(std::move(done), 60s); }

  net::Loop loop_;
  kube::FakeDnsServer server_{loop_};
  std::map<std::string, std::vector<std::string>> known_;
  std::map<std::string, int> told_;
  std::optional<ExternalNames> names_;
};

TEST_F(ExternalNamesTest, TellsTheAddressesOfEach) {
  names_->want({"a.test", "b.test"});
  EXPECT_TRUE(until([&] { return known_.size() == 2; }));
  EXPECT_THAT(known_["a.test"], ElementsAre("127.0.0.1"));
  EXPECT_THAT(known_["b.test"], ElementsAre("10.0.0.1", "10.0.0.2"));
}

TEST_F(ExternalNamesTest, AsksOnceForWhatStaysWanted) {
  names_->want({"a.test"});
  names_->want({"a.test"});
  names_->want({"a.test", "b.test"});
  EXPECT_TRUE(until([&] { return known_.size() == 2; }));
  EXPECT_THAT(server_.asked, ElementsAre("a.test", "b.test"));
}

TEST_F(ExternalNamesTest, FollowsChangesUntilItIsNotWanted) {
  server_.records["a.test"].ttl_seconds = 0;
  server_.records["b.test"].ttl_seconds = 0;
  names_->want({"a.test", "b.test"});
  EXPECT_TRUE(until([&] { return known_.size() == 2; }));
  names_->want({"b.test"});
  server_.records["a.test"].addresses = {"10.0.0.9"};
  server_.records["b.test"].addresses = {"10.0.0.9"};
  EXPECT_TRUE(until([&] { return told_["b.test"] == 2; }));
  EXPECT_THAT(known_["b.test"], ElementsAre("10.0.0.9"));
  EXPECT_EQ(told_["a.test"], 1);
}

TEST_F(ExternalNamesTest, WithoutAResolverIsSilent) {
  ExternalNames names(nullptr, [](const std::string&, const kube::Resolution&) { FAIL(); });
  names.want({"a.test"});
  EXPECT_FALSE(loop_.run_until([&] { return !server_.asked.empty(); }, 20ms));
}

}  // namespace
}  // namespace portico::cli
