#include "proxy/server/success_judge.h"

#include <gtest/gtest.h>

#include "proxy/exchange/testing/config.h"

namespace portico::server {
namespace {

using exchange::EndpointId;
using exchange::TryTally;
using Clock = exchange::EndpointHealth::Clock;

constexpr routing::BackendId kWeb{0};

// A backend of three, whose ports are their ids.
struct SuccessJudgeTest : ::testing::Test {
  std::vector<SuccessJudge::Verdict> look() { return judge.look(*config, Clock::now()); }
  void count(std::uint32_t endpoint, std::uint32_t tries, std::uint32_t failures,
             routing::BackendId backend = kWeb) {
    const TryTally tally{
        .backend = backend, .endpoint = EndpointId{endpoint}, .tries = tries, .failures = failures};
    judge.add({&tally, 1});
  }
  [[nodiscard]] bool is_out(std::size_t index) const {
    return config->backends.find(0)->endpoints.at(index).health->state().is_out();
  }

  exchange::EndpointHealthTable health;
  std::shared_ptr<const exchange::Config> config = exchange::testing::ConfigBuilder()
                                                       .health(health)
                                                       .backend("default/web:80", {1, 2, 3})
                                                       .build();
  SuccessJudge judge;
};

TEST_F(SuccessJudgeTest, PutsOutWhoFailsFarMoreThanTheOthersByWhatAllWorkersSaw) {
  for (int worker = 0; worker < 2; ++worker) {
    count(1, 50, 0);
    count(2, 50, worker == 0 ? 10 : 11);
    count(3, 50, 0);
  }
  const auto verdicts = look();
  ASSERT_EQ(verdicts.size(), 1U);
  EXPECT_EQ(verdicts[0].backend, kWeb);
  EXPECT_EQ(verdicts[0].endpoint, EndpointId{2});
  EXPECT_EQ(verdicts[0].why, "fails 21 % of its requests, the others 0 %");
  EXPECT_FALSE(is_out(0));
  EXPECT_TRUE(is_out(1));
  EXPECT_EQ(health.changes(), 1U);
  EXPECT_TRUE(look().empty());
}

TEST_F(SuccessJudgeTest, NamesSmallSharesMoreExactly) {
  count(1, 500, 1);
  count(2, 500, 300);
  count(3, 500, 0);
  EXPECT_EQ(look().at(0).why, "fails 60 % of its requests, the others 0.1 %");
}

TEST_F(SuccessJudgeTest, LeavesAllInWhereAllFail) {
  for (int i = 0; i < 100; ++i) {
    for (const std::uint32_t endpoint : {1, 2, 3}) {
      count(endpoint, 50, 10);
    }
    EXPECT_TRUE(look().empty());
  }
}

TEST_F(SuccessJudgeTest, WhoseChecksFailIsNoneOfTheHalfThatStays) {
  config->backends.find(0)->endpoints.at(2).health->set_ill(true);
  count(1, 100, 0);
  count(2, 100, 60);
  EXPECT_TRUE(look().empty());
}

TEST_F(SuccessJudgeTest, HeedsNobodyWhoIsNotThere) {
  count(9, 500, 500);
  count(1, 500, 500, routing::BackendId{7});
  EXPECT_TRUE(look().empty());
}

TEST_F(SuccessJudgeTest, KeepsWhatItKnowsThroughChanges) {
  count(1, 40, 0);
  count(2, 40, 12);
  count(3, 40, 0);
  EXPECT_TRUE(look().empty());
  const auto before = config;
  config = exchange::testing::ConfigBuilder()
               .health(health)
               .backend("default/web:80", {1, 2, 3, 4})
               .build();
  count(1, 40, 0);
  count(2, 40, 12);
  count(3, 40, 0);
  EXPECT_EQ(look().size(), 1U);
}

TEST_F(SuccessJudgeTest, ForgetsABackendThatIsNoMore) {
  count(1, 40, 0);
  count(2, 40, 12);
  count(3, 40, 0);
  EXPECT_TRUE(look().empty());
  EXPECT_TRUE(judge.look(exchange::Config(), Clock::now()).empty());
  count(1, 40, 0);
  count(2, 40, 12);
  count(3, 40, 0);
  EXPECT_TRUE(look().empty());
}

}  // namespace
}  // namespace portico::server
