#include "proxy/exchange/request_deadline.h"

#include <gtest/gtest.h>

namespace portico::exchange {
namespace {

using namespace std::chrono_literals;

TEST(RequestDeadline, IsTheFaultOfAnEndpointThatHadMostOfTheTime) {
  net::Loop loop;
  RequestDeadline deadline(loop, [] {});
  const RequestDeadline::Clock::time_point begun{1h};
  deadline.begin(10s, begun, begun);
  deadline.endpoint_has_request(begun + 1s);
  EXPECT_TRUE(deadline.is_endpoints_fault(begun + 10s));
  deadline.end();
}

TEST(RequestDeadline, IsNotTheFaultOfAnEndpointThatWasAskedLate) {
  net::Loop loop;
  RequestDeadline deadline(loop, [] {});
  const RequestDeadline::Clock::time_point begun{1h};
  deadline.begin(10s, begun, begun);
  deadline.endpoint_has_request(begun);
  deadline.endpoint_has_request(begun + 6s);  // the second that is tried
  EXPECT_FALSE(deadline.is_endpoints_fault(begun + 10s));
  deadline.end();
}

TEST(RequestDeadline, CountsWhatTheRequestHasWaitedBefore) {
  net::Loop loop;
  int expired = 0;
  RequestDeadline deadline(loop, [&expired] { ++expired; });
  const RequestDeadline::Clock::time_point begun{1h};
  deadline.begin(10min, begun, begun + 1min);
  loop.deadlines().advance(RequestDeadline::Clock::now() + 10s);
  EXPECT_EQ(expired, 0);
  deadline.begin(10min, begun, begun + 11min);
  loop.deadlines().advance(RequestDeadline::Clock::now() + 20s);
  EXPECT_EQ(expired, 1);
}

}  // namespace
}  // namespace portico::exchange
