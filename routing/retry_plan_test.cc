#include "routing/retry_plan.h"

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

using enum RetryAction;
namespace error = upstream_error;

// A GET that a kept connection lost after it was sent.
constexpr RetryFacts kStaleGet{
    .connection_reused = true, .request_sent = true, .idempotent = true, .body_replayable = true};

TEST(RetryPlan, GoesToAnotherEndpointWhereOneCantBeReached) {
  for (const auto& unreachable : {error::kConnectRefused, error::kConnectFailed,
                                  error::kConnectTimeout, error::kHandshakeFailed}) {
    EXPECT_EQ(plan_retry(unreachable, {}), kAnotherEndpoint) << unreachable.reason;
  }
}

TEST(RetryPlan, UnsentRequestsOfAnyMethodAndBodyGoOn) {
  EXPECT_EQ(plan_retry(error::kConnectRefused, {.idempotent = false, .body_replayable = false}),
            kAnotherEndpoint);
}

TEST(RetryPlan, GivesUpAfterThreeTries) {
  EXPECT_EQ(plan_retry(error::kConnectRefused, {.tries = 2}), kAnotherEndpoint);
  EXPECT_EQ(plan_retry(error::kConnectRefused, {.tries = 3}), kGiveUp);
  auto stale = kStaleGet;
  stale.tries = 3;
  EXPECT_EQ(plan_retry(error::kClosedBeforeAnswer, stale), kGiveUp);
}

TEST(RetryPlan, ForgivesAStaleConnection) {
  EXPECT_EQ(plan_retry(error::kClosedBeforeAnswer, kStaleGet), kFreshConnection);
  EXPECT_EQ(plan_retry(error::kResetBeforeAnswer, kStaleGet), kFreshConnection);
}

TEST(RetryPlan, ForgivesItOnlyOnce) {
  auto fresh = kStaleGet;
  fresh.connection_reused = false;
  fresh.tries = 2;
  EXPECT_EQ(plan_retry(error::kClosedBeforeAnswer, fresh), kGiveUp);
}

TEST(RetryPlan, NeverSendsAPostTwice) {
  auto post = kStaleGet;
  post.idempotent = false;
  EXPECT_EQ(plan_retry(error::kClosedBeforeAnswer, post), kGiveUp);
}

TEST(RetryPlan, RetriesAPostOfWhichNothingWasSent) {
  EXPECT_EQ(plan_retry(error::kClosedBeforeAnswer, {.connection_reused = true}), kFreshConnection);
}

TEST(RetryPlan, LeavesAnEndpointThatClosesNewConnections) {
  EXPECT_EQ(plan_retry(error::kClosedBeforeAnswer, {}), kAnotherEndpoint);
}

TEST(RetryPlan, GivesUpOnceTheBodyCantBeReplayed) {
  auto streamed = kStaleGet;
  streamed.body_replayable = false;
  EXPECT_EQ(plan_retry(error::kClosedBeforeAnswer, streamed), kGiveUp);
}

TEST(RetryPlan, GivesUpOnceAnAnswerHasBegun) {
  auto answered = kStaleGet;
  answered.answer_begun = true;
  EXPECT_EQ(plan_retry(error::kClosedBeforeAnswer, answered), kGiveUp);
}

TEST(RetryPlan, GivesUpOnTimeoutsAfterConnecting) {
  for (const auto& late : {error::kSendTimeout, error::kHeadTimeout, error::kBodyTimeout}) {
    EXPECT_EQ(plan_retry(late, kStaleGet), kGiveUp) << late.reason;
    EXPECT_EQ(late.status, 504);
  }
}

TEST(RetryPlan, GivesUpOnWhatIsNobodyElsesToTry) {
  EXPECT_EQ(plan_retry(error::kNoEndpoint, {}), kGiveUp);
  EXPECT_EQ(error::kNoEndpoint.status, 503);
  EXPECT_EQ(plan_retry(error::kBadAnswer, kStaleGet), kGiveUp);
  EXPECT_EQ(error::kBadAnswer.status, 502);
  EXPECT_EQ(plan_retry({.status = 400,
                        .side = ErrorSide::kDownstream,
                        .retry = RetryRule::kFreshConnection,
                        .reason = "the client left"},
                       {}),
            kGiveUp);
}

TEST(Idempotent, IsWhatTheStandardListsAndNothingElse) {
  for (const auto* method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"}) {
    EXPECT_TRUE(is_idempotent(method)) << method;
  }
  for (const auto* method : {"POST", "PATCH", "CONNECT", "get", "PURGE", ""}) {
    EXPECT_FALSE(is_idempotent(method)) << method;
  }
}

}  // namespace
}  // namespace portico::routing
