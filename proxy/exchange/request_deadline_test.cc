#include "proxy/exchange/request_deadline.h"

#include <gtest/gtest.h>

namespace portico::exchange {
namespace {

using namespace std::chrono_literals;

TEST(RequestDeadline, IsTheFaultOfAnEndpointThatHadMostOfTheTime) {
  net::Loop loop;
  RequestDeadline deadline(loop, [] {});
  const RequestDeadline::Clock::time_point begun{1h};
  deadline.begin(10s, begun);
  deadline.endpoint_has_request(begun + 1s);
  EXPECT_TRUE(deadline.is_endpoints_fault(begun + 10s));
  deadline.end();
}

TEST(RequestDeadline, IsNotTheFaultOfAnEndpointThatWasAskedLate) {
  net::Loop loop;
  RequestDeadline deadline(loop, [] {});
  const RequestDeadline::Clock::time_point begun{1h};
  deadline.begin(10s, begun);
  deadline.endpoint_has_request(begun);
  deadline.endpoint_has_request(begun + 6s);  // the second that is tried
  EXPECT_FALSE(deadline.is_endpoints_fault(begun + 10s));
  deadline.end();
}

}  // namespace
}  // namespace portico::exchange
