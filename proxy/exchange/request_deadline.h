// The time that a whole request may take: from its head to its answer's end, with all its tries.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"

namespace portico::exchange {

//   begin  { endpoint_has_request }  end
//
// Thread:    its exchange's worker.
// Lifetime:  a part of its exchange, used again for the next request. `expired` is called once
//            after begin(), unless end() was before it.
class RequestDeadline {
 public:
  using Clock = net::Loop::Clock;

  RequestDeadline(net::Loop& loop, net::Deadline::Callback expired)
      : deadline_(loop, std::move(expired)) {}

  // `began`: the request. May be called anew, with what holds for it by then.
  void begin(std::chrono::milliseconds limit, Clock::time_point began, Clock::time_point now) {
    limit_ = limit;
    asked_ = now;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(began + limit - now);
    deadline_.arm(std::max(std::chrono::milliseconds(0), left));
  }
  void end() { deadline_.cancel(); }

  // The endpoint that is tried has been sent all of the request: whatever time passes is its own.
  void endpoint_has_request(Clock::time_point now) { asked_ = now; }
  // Whether it had most of the limit, so that what is over is over because of it. An endpoint that
  // was asked late, behind a slow client, a queue or another endpoint, is not to blame.
  [[nodiscard]] bool is_endpoints_fault(Clock::time_point now) const {
    return now - asked_ >= limit_ / 2;
  }

 private:
  net::Deadline deadline_;
  std::chrono::milliseconds limit_{0};
  Clock::time_point asked_;
};

}  // namespace portico::exchange
