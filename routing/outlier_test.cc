#include "routing/outlier.h"

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

using std::chrono::milliseconds;
using Phase = OutlierState::Phase;
using enum TryOutcome;
namespace error = upstream_error;

// One endpoint, as the tests' requests find it.
struct Endpoint {
  void try_it(TryOutcome outcome, int times = 1, bool let_through = false) {
    for (int i = 0; i < times; ++i) {
      state = OutlierState::unpack(after_try(state, outcome, let_through, limits, now).pack());
    }
  }
  void probe(TryOutcome outcome) {
    state = claimed(state, now);
    try_it(outcome, 1, true);
  }
  void wait_until_due() { now = state.time; }
  // How long it is out for.
  [[nodiscard]] milliseconds out_for() const {
    return state.is_out() ? state.time - now : milliseconds(0);
  }

  OutlierLimits limits;
  OutlierState state;
  milliseconds now{5'000'000};
};

TEST(Outlier, FiveFailuresInARowEject) {
  for (const auto outcome : {kFailed, kGatewayError}) {
    Endpoint endpoint;
    endpoint.try_it(outcome, 4);
    EXPECT_FALSE(endpoint.state.is_out());
    endpoint.try_it(outcome);
    EXPECT_EQ(endpoint.state.phase, Phase::kEjected);
    EXPECT_EQ(endpoint.out_for(), milliseconds(1'000));
  }
}

TEST(Outlier, AnyAnswerEndsTheCount) {
  for (const auto answer : {kAnswered, kServerError}) {
    Endpoint endpoint;
    endpoint.try_it(kFailed, 4);
    endpoint.try_it(answer);
    EXPECT_EQ(endpoint.state, OutlierState());
    endpoint.try_it(kFailed, 4);
    EXPECT_FALSE(endpoint.state.is_out());
  }
}

TEST(Outlier, WhereNothingListensTheSecondTryEjects) {
  Endpoint endpoint;
  endpoint.try_it(kUnreachable);
  EXPECT_FALSE(endpoint.state.is_out());
  endpoint.try_it(kUnreachable);
  EXPECT_TRUE(endpoint.state.is_out());
}

TEST(Outlier, WhatTellsNothingNeitherCountsNorEndsTheCount) {
  Endpoint endpoint;
  endpoint.try_it(kFailed, 4);
  endpoint.try_it(kSilent, 10);
  EXPECT_FALSE(endpoint.state.is_out());
  endpoint.try_it(kFailed);
  EXPECT_TRUE(endpoint.state.is_out());
}

TEST(Outlier, AnApplicationsErrorsEjectOnlyWhereThatIsAsked) {
  Endpoint endpoint;
  endpoint.try_it(kServerError, 1000);
  EXPECT_FALSE(endpoint.state.is_out());

  endpoint.limits.server_errors = 3;
  endpoint.try_it(kServerError, 2);
  endpoint.try_it(kAnswered);
  endpoint.try_it(kServerError, 2);
  EXPECT_FALSE(endpoint.state.is_out());
  endpoint.try_it(kGatewayError);  // is one, too
  EXPECT_TRUE(endpoint.state.is_out());
}

TEST(Outlier, EachEjectionIsTwiceAsLongUpToAMinute) {
  Endpoint endpoint;
  endpoint.try_it(kFailed, 5);
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    EXPECT_EQ(endpoint.out_for(), std::chrono::seconds(seconds));
    endpoint.wait_until_due();
    endpoint.probe(kFailed);
  }
}

TEST(Outlier, OneAnswerBringsItBack) {
  Endpoint endpoint;
  endpoint.try_it(kFailed, 5);
  endpoint.wait_until_due();
  endpoint.probe(kAnswered);
  EXPECT_FALSE(endpoint.state.is_out());
  endpoint.try_it(kFailed, 4);
  EXPECT_FALSE(endpoint.state.is_out());
}

TEST(Outlier, EachQuietPeriodShortensTheNextEjectionByAStep) {
  struct Row {
    std::int64_t quiet_seconds;
    int next_seconds;
  };
  for (const auto& [quiet_seconds, next_seconds] :
       {Row{0, 8}, Row{9, 8}, Row{10, 4}, Row{20, 2}, Row{30, 1}, Row{1'000'000, 1}}) {
    Endpoint endpoint;
    endpoint.try_it(kFailed, 5);
    for (int i = 0; i < 2; ++i) {
      endpoint.wait_until_due();
      endpoint.probe(kFailed);
    }
    endpoint.wait_until_due();
    endpoint.probe(kAnswered);
    endpoint.now += std::chrono::seconds(quiet_seconds);
    endpoint.try_it(kAnswered);
    endpoint.try_it(kFailed, 5);
    EXPECT_EQ(endpoint.out_for(), std::chrono::seconds(next_seconds)) << quiet_seconds;
  }
}

// Else what an endpoint answers to an old slow request would open it to all the new ones.
TEST(Outlier, RequestsFromBeforeItsEjectionChangeNothing) {
  Endpoint endpoint;
  endpoint.try_it(kFailed, 5);
  const auto ejected = endpoint.state;
  endpoint.try_it(kAnswered);
  endpoint.try_it(kFailed, 100);
  EXPECT_EQ(endpoint.state, ejected);
}

TEST(Outlier, OneProbeAtATime) {
  Endpoint endpoint;
  endpoint.try_it(kFailed, 5);
  EXPECT_FALSE(endpoint.state.is_due(endpoint.now));
  endpoint.wait_until_due();
  EXPECT_TRUE(endpoint.state.is_due(endpoint.now));
  endpoint.state = claimed(endpoint.state, endpoint.now);
  EXPECT_TRUE(endpoint.state.is_out());
  EXPECT_FALSE(endpoint.state.is_due(endpoint.now));
  // It was never heard of again.
  EXPECT_FALSE(endpoint.state.is_due(endpoint.now + milliseconds(1'999)));
  EXPECT_TRUE(endpoint.state.is_due(endpoint.now + milliseconds(2'000)));
}

// A silent endpoint tells by a timeout only, perhaps of a minute: it must not get a request a
// second until then.
TEST(Outlier, ProbesOfWhichNothingIsHeardAreAsRareAsThoseThatFail) {
  Endpoint endpoint;
  endpoint.try_it(kFailed, 5);
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_EQ(endpoint.out_for(), std::chrono::seconds(seconds));
    endpoint.wait_until_due();
    endpoint.state = claimed(endpoint.state, endpoint.now);
  }
}

// Where every endpoint is out all of them are tried: failures there must not make it worse, and who
// answers is back at once.
TEST(Outlier, AProbeThatTellsNothingIsNoFailure) {
  Endpoint endpoint;
  endpoint.try_it(kFailed, 5);
  for (int i = 0; i < 5; ++i) {
    endpoint.wait_until_due();
    const auto before = endpoint.state;
    endpoint.state = given_up(claimed(before, endpoint.now));
    EXPECT_EQ(endpoint.state.level, before.level);
    EXPECT_EQ(endpoint.out_for(), ejection_length(before.level)) << "as rare as one that fails";
  }
  const OutlierState serving{.time = endpoint.now, .level = 3};
  EXPECT_EQ(given_up(serving), serving);
}

TEST(Outlier, WhoIsPutOutIsOutAsAfterFailuresInARow) {
  Endpoint endpoint;
  for (const int seconds : {1, 2, 4}) {
    endpoint.try_it(kAnswered);
    endpoint.state = put_out(endpoint.state, endpoint.now);
    EXPECT_EQ(endpoint.out_for(), milliseconds(seconds * 1'000));
    EXPECT_EQ(put_out(endpoint.state, endpoint.now + milliseconds(1)), endpoint.state);
    endpoint.wait_until_due();
    endpoint.probe(kAnswered);
    EXPECT_FALSE(endpoint.state.is_out());
  }
}

TEST(Outlier, TriesForWantOfAnyOtherBringItBackAndDoNotProlong) {
  Endpoint endpoint;
  endpoint.try_it(kFailed, 5);
  const auto ejected = endpoint.state;
  endpoint.try_it(kFailed, 100, true);
  EXPECT_EQ(endpoint.state, ejected);
  endpoint.try_it(kAnswered, 1, true);
  EXPECT_FALSE(endpoint.state.is_out());
}

TEST(Outlier, EveryStateFitsIntoAWord) {
  for (const auto phase : {Phase::kServing, Phase::kEjected, Phase::kProbed}) {
    const OutlierState full{.time = milliseconds((std::int64_t{1} << 42) - 1),
                            .phase = phase,
                            .failures = 255,
                            .server_errors = 254,
                            .level = 7};
    EXPECT_EQ(OutlierState::unpack(full.pack()), full);
  }
  EXPECT_EQ(OutlierState().pack(), 0U);
}

TEST(Outlier, CountsDoNotOverflow) {
  Endpoint endpoint;
  endpoint.limits = {.failures = 255, .unreachable = 255, .server_errors = 255};
  endpoint.try_it(kGatewayError, 254);
  EXPECT_FALSE(endpoint.state.is_out());
  endpoint.try_it(kGatewayError);
  EXPECT_TRUE(endpoint.state.is_out());
}

TEST(OutlierOutcome, OfStatuses) {
  EXPECT_EQ(outcome_of(101), kAnswered);
  EXPECT_EQ(outcome_of(200), kAnswered);
  EXPECT_EQ(outcome_of(404), kAnswered);
  EXPECT_EQ(outcome_of(500), kServerError);
  EXPECT_EQ(outcome_of(501), kServerError);
  EXPECT_EQ(outcome_of(502), kGatewayError);
  EXPECT_EQ(outcome_of(504), kGatewayError);
  EXPECT_EQ(outcome_of(505), kServerError);
}

TEST(OutlierOutcome, OfFailures) {
  for (const bool reused : {false, true}) {
    EXPECT_EQ(outcome_of(error::kConnectRefused, reused), kUnreachable);
    EXPECT_EQ(outcome_of(error::kConnectFailed, reused), kUnreachable);
    EXPECT_EQ(outcome_of(error::kConnectTimeout, reused), kFailed);
    EXPECT_EQ(outcome_of(error::kHandshakeFailed, reused), kFailed);
    EXPECT_EQ(outcome_of(error::kHandshakeTimeout, reused), kFailed);
    EXPECT_EQ(outcome_of(error::kHeadTimeout, reused), kFailed);
    EXPECT_EQ(outcome_of(error::kSendTimeout, reused), kFailed);
    EXPECT_EQ(outcome_of(error::kBadAnswer, reused), kFailed);
    EXPECT_EQ(outcome_of(error::kNotProcessed, reused), kSilent);
  }
}

// Else a minute without descriptors would eject every endpoint there is.
TEST(OutlierOutcome, AShortageOfOurOwnTellsNothing) {
  EXPECT_EQ(outcome_of(ProxyError{.status = 503, .retry = RetryRule::kAnotherEndpoint}, false),
            kSilent);
}

TEST(OutlierOutcome, AKeptConnectionsEndTellsNothing) {
  for (const auto& closed : {error::kClosedBeforeAnswer, error::kResetBeforeAnswer}) {
    EXPECT_EQ(outcome_of(closed, true), kSilent);
    EXPECT_EQ(outcome_of(closed, false), kFailed);
  }
}

}  // namespace
}  // namespace portico::routing
