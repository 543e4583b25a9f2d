#include "routing/retry_plan.h"

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

using namespace std::chrono_literals;
using enum RetryAction;
using enum RetryOn;
using enum RetryPrice;
namespace error = upstream_error;

constexpr RetryPlan kEnd{};
constexpr RetryPlan kElsewhereUnsent{kAnotherEndpoint, kTry};
constexpr RetryPlan kElsewhere{kAnotherEndpoint, kToken};
constexpr RetryPlan kStale{kFreshConnection, kForgiven};

// A request of which nothing was sent.
constexpr RetryFacts kUnsent{.endpoints = 3, .body_held = true};
// A GET that was sent whole on a new connection.
constexpr RetryFacts kGet{
    .endpoints = 3, .request_sent = true, .idempotent = true, .body_held = true};
constexpr RetryFacts kPost{.endpoints = 3, .request_sent = true, .body_held = true};

constexpr RetryFacts reused(RetryFacts facts) {
  facts.connection_reused = true;
  return facts;
}
constexpr RetryFacts after(int tries, RetryFacts facts) {
  facts.tries = tries;
  return facts;
}
constexpr ProxyError answered(std::uint16_t status) {
  return {.status = status, .retry = RetryRule::kStatus, .reason = "an answer"};
}
RetryPlan by_default(const ProxyError& error, const RetryFacts& facts) {
  return plan_retry(error, facts, {});
}
RetryPlan with(RetryConditions on, const ProxyError& error, const RetryFacts& facts) {
  return plan_retry(error, facts, {.on = on});
}

// ---- nothing was sent

TEST(RetryPlan, GoesToAnotherEndpointWhereOneCantBeReached) {
  for (const auto& unreachable : {error::kConnectRefused, error::kConnectFailed,
                                  error::kConnectTimeout, error::kHandshakeFailed}) {
    EXPECT_EQ(by_default(unreachable, kUnsent), kElsewhereUnsent) << unreachable.reason;
  }
}

TEST(RetryPlan, DoesSoWhateverElseThePolicyNames) {
  EXPECT_EQ(with({kHttp503}, error::kConnectRefused, kUnsent), kElsewhereUnsent);
  EXPECT_EQ(with({kHttp503}, error::kSendTimeout, kUnsent), kElsewhereUnsent);
}

TEST(RetryPlan, LeavesAnEndpointThatClosesNewConnections) {
  EXPECT_EQ(by_default(error::kClosedBeforeAnswer, kUnsent), kElsewhereUnsent);
}

TEST(RetryPlan, MayAskAnEndpointTwiceThatGotNothing) {
  auto lone = kUnsent;
  lone.endpoints = 1;
  EXPECT_EQ(by_default(error::kConnectRefused, after(2, lone)), kElsewhereUnsent);
  EXPECT_EQ(by_default(error::kConnectRefused, after(3, lone)), kEnd);
  EXPECT_EQ(plan_retry(error::kConnectRefused, after(3, lone), {.tries = 0}), kEnd);
}

// ---- kept connections that were stale

TEST(RetryPlan, ForgivesAStaleConnection) {
  EXPECT_EQ(by_default(error::kClosedBeforeAnswer, reused(kGet)), kStale);
  EXPECT_EQ(by_default(error::kResetBeforeAnswer, reused(kGet)), kStale);
  EXPECT_EQ(by_default(error::kClosedBeforeAnswer, reused(kUnsent)), kStale)
      << "whatever the method";
}

TEST(RetryPlan, ForgivesItThoughThereIsNoTryLeftAndNoneAllowed) {
  EXPECT_EQ(plan_retry(error::kClosedBeforeAnswer, reused(kGet), {.tries = 1}), kStale);
  EXPECT_EQ(with({}, error::kClosedBeforeAnswer, reused(kGet)), kStale);
  auto lone = kGet;
  lone.endpoints = 0;
  EXPECT_EQ(by_default(error::kClosedBeforeAnswer, reused(lone)), kStale);
}

TEST(RetryPlan, ForgivesItOnlyOnce) {
  EXPECT_EQ(with({kTimeout}, error::kClosedBeforeAnswer, kGet), kEnd) << "on a fresh connection";
}

TEST(RetryPlan, ForgivesOneStaleConnectionForEachTry) {
  auto again = reused(kGet);
  again.forgiven = 1;
  EXPECT_EQ(by_default(error::kClosedBeforeAnswer, again), kElsewhere);
  EXPECT_EQ(by_default(error::kNotProcessed, again), (RetryPlan{kFreshConnection, kToken}));
  again.tries = 2;
  EXPECT_EQ(by_default(error::kClosedBeforeAnswer, again), kStale);
}

TEST(RetryPlan, DoesNotTakeATimeoutForAStaleConnection) {
  EXPECT_EQ(with({kError}, error::kHeadTimeout, reused(kGet)), kEnd);
}

// ---- the endpoint says that it did nothing

TEST(RetryPlan, RepeatsWhatWasNotProcessedWhateverTheMethod) {
  EXPECT_EQ(by_default(error::kNotProcessed, reused(kPost)), kStale);
  EXPECT_EQ(by_default(error::kNotProcessed, kPost), (RetryPlan{kFreshConnection, kToken}));
  EXPECT_EQ(by_default(error::kNotProcessed, after(3, kPost)), kEnd);
  EXPECT_EQ(with({}, error::kNotProcessed, kPost), kEnd);
}

// ---- it was sent

TEST(RetryPlan, GoesElsewhereForWhatThePolicyNames) {
  struct Row {
    RetryOn on;
    ProxyError error;
  };
  const Row rows[] = {{kError, error::kClosedBeforeAnswer},
                      {kError, error::kResetBeforeAnswer},
                      {kError, {.retry = RetryRule::kFailed}},
                      {kTimeout, error::kHeadTimeout},
                      {kTimeout, error::kSendTimeout},
                      {kInvalidHeader, error::kBadAnswer},
                      {kHttp403, answered(403)},
                      {kHttp404, answered(404)},
                      {kHttp429, answered(429)},
                      {kHttp500, answered(500)},
                      {kHttp502, answered(502)},
                      {kHttp503, answered(503)},
                      {kHttp504, answered(504)}};
  for (const auto& named : rows) {
    for (const auto& happened : rows) {
      EXPECT_EQ(with({named.on}, happened.error, kGet), named.on == happened.on ? kElsewhere : kEnd)
          << static_cast<int>(named.on) << ' ' << happened.error.reason << happened.error.status;
    }
  }
}

TEST(RetryPlan, GoesElsewhereForErrorsAndTimeoutsWhereNothingIsNamed) {
  EXPECT_EQ(by_default(error::kResetBeforeAnswer, kGet), kElsewhere);
  EXPECT_EQ(by_default(error::kHeadTimeout, kGet), kElsewhere);
  EXPECT_EQ(by_default(error::kBadAnswer, kGet), kEnd);
  EXPECT_EQ(by_default(answered(503), kGet), kEnd);
}

TEST(RetryPlan, KnowsNoOtherStatuses) {
  const RetryConditions all{kError,   kTimeout, kInvalidHeader, kHttp403, kHttp404,
                            kHttp429, kHttp500, kHttp502,       kHttp503, kHttp504};
  for (const std::uint16_t status : {200, 304, 400, 408, 501, 505}) {
    EXPECT_EQ(with(all, answered(status), kGet), kEnd) << status;
  }
}

TEST(RetryPlan, NeverSendsAPostTwiceUnlessThePolicySaysSo) {
  for (const auto& failed : {error::kResetBeforeAnswer, error::kHeadTimeout}) {
    EXPECT_EQ(by_default(failed, kPost), kEnd) << failed.reason;
    EXPECT_EQ(by_default(failed, reused(kPost)), kEnd) << failed.reason;
    EXPECT_EQ(with({kError, kTimeout, kNonIdempotent}, failed, kPost), kElsewhere);
    EXPECT_EQ(plan_retry(failed, kPost, {.non_idempotent = true}), kElsewhere);
  }
  EXPECT_EQ(with({kHttp503}, answered(503), kPost), kEnd);
  EXPECT_EQ(with({kHttp503, kNonIdempotent}, answered(503), kPost), kElsewhere);
  EXPECT_EQ(with({kNonIdempotent}, answered(503), kPost), kEnd) << "it is no reason by itself";
}

TEST(RetryPlan, SendsToNoEndpointTwice) {
  auto two = kGet;
  two.endpoints = 2;
  EXPECT_EQ(by_default(error::kHeadTimeout, two), kElsewhere);
  EXPECT_EQ(by_default(error::kHeadTimeout, after(2, two)), kEnd);
  EXPECT_EQ(plan_retry(error::kHeadTimeout, after(2, two), {.tries = 0}), kEnd);
  auto lone = kGet;
  lone.endpoints = 1;
  EXPECT_EQ(by_default(error::kHeadTimeout, lone), kEnd);
}

// ---- bounds

TEST(RetryPlan, GivesUpOnceAllTriesAreMade) {
  EXPECT_EQ(by_default(error::kHeadTimeout, after(2, kGet)), kElsewhere);
  auto many = kGet;
  many.endpoints = 1000;
  EXPECT_EQ(by_default(error::kHeadTimeout, after(3, many)), kEnd);
  EXPECT_EQ(plan_retry(error::kHeadTimeout, after(3, many), {.tries = 0}), kElsewhere);
  EXPECT_EQ(plan_retry(error::kHeadTimeout, after(31, many), {.tries = 0}), kElsewhere);
  EXPECT_EQ(plan_retry(error::kHeadTimeout, after(32, many), {.tries = 0}), kEnd);
  EXPECT_EQ(plan_retry(error::kHeadTimeout, after(32, many), {.tries = 4'000'000'000U}), kEnd);
  EXPECT_EQ(plan_retry(error::kHeadTimeout, many, {.tries = 1}), kEnd);
}

TEST(RetryPlan, BeginsNoTryOnceItsTimeIsOver) {
  auto late = kGet;
  late.elapsed = 1999ms;
  EXPECT_EQ(plan_retry(error::kHeadTimeout, late, {.timeout = 2s}), kElsewhere);
  late.elapsed = 2s;
  EXPECT_EQ(plan_retry(error::kHeadTimeout, late, {.timeout = 2s}), kEnd);
  EXPECT_EQ(plan_retry(error::kClosedBeforeAnswer, reused(late), {.timeout = 2s}), kEnd);
  EXPECT_EQ(by_default(error::kHeadTimeout, late), kElsewhere) << "it has no end by itself";
}

TEST(RetryPlan, GivesUpWhereItIsOff) {
  EXPECT_EQ(with({}, error::kConnectRefused, kUnsent), kEnd);
  EXPECT_EQ(with({}, error::kHeadTimeout, kGet), kEnd);
}

TEST(RetryPlan, GivesUpOnceTheBodyIsGone) {
  for (auto facts : {kUnsent, kGet, reused(kGet)}) {
    facts.body_held = false;
    EXPECT_EQ(by_default(error::kClosedBeforeAnswer, facts), kEnd);
    EXPECT_EQ(by_default(error::kNotProcessed, facts), kEnd);
  }
}

TEST(RetryPlan, GivesUpOnceAnAnswerHasBegun) {
  for (auto facts : {kUnsent, kGet, reused(kGet)}) {
    facts.answer_begun = true;
    EXPECT_EQ(by_default(error::kClosedBeforeAnswer, facts), kEnd);
    EXPECT_EQ(with({kHttp503}, answered(503), facts), kEnd);
  }
}

TEST(RetryPlan, GivesUpWhereThereIsNoOtherEndpointToHave) {
  auto none = kUnsent;
  none.endpoints = 0;
  EXPECT_EQ(by_default(error::kConnectRefused, none), kEnd);
  none.request_sent = none.idempotent = true;
  EXPECT_EQ(with({kHttp503}, answered(503), none), kEnd);
}

TEST(RetryPlan, GivesUpOnWhatIsNobodyElsesToTry) {
  EXPECT_EQ(by_default(error::kNoEndpoint, kUnsent), kEnd);
  EXPECT_EQ(error::kNoEndpoint.status, 503);
  EXPECT_EQ(by_default(error::kClosedInAnswer, kGet), kEnd);
  EXPECT_EQ(by_default(error::kBodyTimeout, kGet), kEnd);
  EXPECT_EQ(by_default({.status = 400,
                        .side = ErrorSide::kDownstream,
                        .retry = RetryRule::kFreshConnection,
                        .reason = "the client left"},
                       kUnsent),
            kEnd);
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
