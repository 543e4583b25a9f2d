#include "controller/kube/dns_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/kube/dns_channel.h"
#include "controller/kube/testing/fake_dns_server.h"

namespace portico::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Addresses = std::vector<std::string>;

TEST(NextQuestion, FollowsTheTtlWithinBoundsAndBacksOff) {
  const DnsOptions options;
  const auto answer = [](int ttl) {
    return DnsAnswer{{"10.0.0.1"}, std::chrono::seconds(ttl), {}};
  };
  EXPECT_EQ(next_question(options, answer(0), 0), 1s);
  EXPECT_EQ(next_question(options, answer(30), 0), 30s);
  EXPECT_EQ(next_question(options, answer(86400), 0), 5min);
  const DnsAnswer failure{{}, 0s, "timeout"};
  EXPECT_EQ(next_question(options, failure, 1), 1s);
  EXPECT_EQ(next_question(options, failure, 2), 2s);
  EXPECT_EQ(next_question(options, failure, 4), 8s);
  EXPECT_EQ(next_question(options, failure, 7), 60s);
  EXPECT_EQ(next_question(options, failure, 1'000'000), 60s);
}

class DnsResolverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto resolver = DnsResolver::open(loop_, {.servers = {server_.address()}, .shortest = 50ms});
    ASSERT_TRUE(resolver) << resolver.error();
    resolver_ = std::move(*resolver);
  }

  std::unique_ptr<DnsResolver::Watch> watch(const std::string& name) {
    return resolver_->watch(name, [this, name](Resolution known) {
      ++calls_;
      known_[name] = std::move(known.addresses);
      failures_[name] = std::move(known.failure);
    });
  }
  bool until(std::move_only_function<bool()> done) {
    return loop_.run_until(std::move(done), kLimit);
  }

  static constexpr std::chrono::milliseconds kLimit{60'000};
  net::Loop loop_;
  FakeDnsServer server_{loop_};
  std::unique_ptr<DnsResolver> resolver_;
  std::map<std::string, Addresses> known_;
  std::map<std::string, std::string> failures_;
  int calls_ = 0;
};

TEST_F(DnsResolverTest, TellsAddressesOfBothFamilies) {
  server_.records["db.example.com"] = {{"10.0.0.2", "10.0.0.1", "fd00::1"}, 60};
  const auto db = watch("db.example.com");
  EXPECT_THAT(known_, IsEmpty());
  ASSERT_TRUE(until([&] { return known_.contains("db.example.com"); }));
  EXPECT_THAT(known_["db.example.com"], ElementsAre("10.0.0.1", "10.0.0.2", "fd00::1"));
  EXPECT_EQ(failures_["db.example.com"], "");
}

TEST_F(DnsResolverTest, AsksAgainWhenTheTtlEndsAndTellsOnlyChanges) {
  server_.records["a.example.com"] = {{"10.0.0.1"}, 0};
  const auto a = watch("a.example.com");
  ASSERT_TRUE(until([&] { return server_.asked.size() >= 3; }));
  EXPECT_EQ(calls_, 1);
  server_.records["a.example.com"] = {{"10.0.0.9"}, 0};
  ASSERT_TRUE(until([&] { return known_["a.example.com"] == Addresses{"10.0.0.9"}; }));
  EXPECT_EQ(calls_, 2);
}

TEST_F(DnsResolverTest, KeepsTheLastAnswerWhenItFails) {
  server_.records["a.example.com"] = {{"10.0.0.1"}, 0};
  const auto a = watch("a.example.com");
  ASSERT_TRUE(until([&] { return calls_ == 1; }));
  server_.fails = true;
  ASSERT_TRUE(until([&] { return !failures_["a.example.com"].empty(); }));
  EXPECT_THAT(known_["a.example.com"], ElementsAre("10.0.0.1"));
  server_.fails = false;
  server_.records["a.example.com"] = {{"10.0.0.2"}, 0};
  ASSERT_TRUE(until([&] { return known_["a.example.com"] == Addresses{"10.0.0.2"}; }));
  EXPECT_EQ(failures_["a.example.com"], "");
}

TEST_F(DnsResolverTest, NameThatDoesNotExistIsAFailureToldOnceUntilItDoes) {
  const auto a = watch("a.example.com");
  ASSERT_TRUE(until([&] { return server_.asked.size() >= 3; }));
  EXPECT_EQ(calls_, 1);
  EXPECT_THAT(known_["a.example.com"], IsEmpty());
  EXPECT_NE(failures_["a.example.com"], "");
  server_.records["a.example.com"] = {{"10.0.0.1"}, 60};
  ASSERT_TRUE(until([&] { return known_["a.example.com"] == Addresses{"10.0.0.1"}; }));
  EXPECT_EQ(failures_["a.example.com"], "");
}

TEST_F(DnsResolverTest, OneQuestionServesAllWhoWatchAName) {
  server_.records["a.example.com"] = {{"10.0.0.1"}, 60};
  const auto one = watch("a.example.com");
  const auto two = watch("a.example.com");
  ASSERT_TRUE(until([&] { return calls_ == 2; }));
  const auto late = watch("a.example.com");
  ASSERT_TRUE(until([&] { return calls_ == 3; }));
  EXPECT_THAT(server_.asked, SizeIs(1));
}

TEST_F(DnsResolverTest, AddressResolvesToItself) {
  const auto v4 = watch("10.1.2.3");
  const auto v6 = watch("fd00::7");
  ASSERT_TRUE(until([&] { return calls_ == 2; }));
  EXPECT_THAT(known_["10.1.2.3"], ElementsAre("10.1.2.3"));
  EXPECT_THAT(known_["fd00::7"], ElementsAre("fd00::7"));
  EXPECT_THAT(server_.asked, IsEmpty());
}

TEST_F(DnsResolverTest, LocalhostComesFromTheHostsFile) {
  const auto localhost = watch("localhost");
  ASSERT_TRUE(until([&] { return calls_ == 1; }));
  EXPECT_THAT(known_["localhost"], ::testing::Contains(AnyOf("127.0.0.1", "::1")));
  EXPECT_THAT(server_.asked, IsEmpty());
}

TEST_F(DnsResolverTest, DroppedWatchIsSilentAndItsNameIsNotAskedAgain) {
  server_.records["a.example.com"] = {{"10.0.0.1"}, 0};
  server_.records["b.example.com"] = {{"10.0.0.1"}, 0};
  auto a = watch("a.example.com");
  a.reset();
  const auto b = watch("b.example.com");
  ASSERT_TRUE(until([&] {
    return std::count(server_.asked.begin(), server_.asked.end(), "b.example.com") >= 3;
  }));
  EXPECT_EQ(calls_, 1);
  EXPECT_LE(std::count(server_.asked.begin(), server_.asked.end(), "a.example.com"), 1);
}

TEST_F(DnsResolverTest, CallbackMayDropItsWatchAndTheResolver) {
  server_.records["a.example.com"] = {{"10.0.0.1"}, 0};
  std::unique_ptr<DnsResolver::Watch> a;
  std::unique_ptr<DnsResolver::Watch> b;
  int told = 0;
  auto drop = [&](const Resolution&) {
    ++told;
    a.reset();
    b.reset();
    resolver_.reset();
  };
  a = resolver_->watch("a.example.com", drop);
  b = resolver_->watch("a.example.com", drop);
  ASSERT_TRUE(until([&] { return told != 0; }));
  EXPECT_EQ(told, 1);
}

TEST_F(DnsResolverTest, EndsWithQuestionsOpen) {
  server_.records["a.example.com"] = {{"10.0.0.1"}, 60};
  const auto a = watch("a.example.com");
  resolver_.reset();
  bool ran = false;
  loop_.post([&] { ran = true; });
  EXPECT_TRUE(until([&] { return ran; }));
  EXPECT_EQ(calls_, 0);
}

TEST_F(DnsResolverTest, BadServerIsOneClearLine) {
  const auto resolver = DnsResolver::open(loop_, {.servers = {"nowhere"}});
  ASSERT_FALSE(resolver);
  EXPECT_EQ(resolver.error(), "not a list of DNS servers: nowhere");
}

}  // namespace
}  // namespace portico::kube
