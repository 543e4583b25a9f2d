// What an exchange does when its endpoint fails or is late. The phases are in exchange.cc.
#include <algorithm>
#include <utility>

#include "proxy/exchange/canary_choice.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/retry_budget.h"

namespace portico::exchange {

using routing::ProxyError;
using routing::RetryAction;
using routing::RetryPrice;

void Exchange::upstream_failed(const ProxyError& error) {
  reason_ = error.reason;
  const bool maybe_stale = reused_ && error.retry == routing::RetryRule::kFreshConnection;
  if (!maybe_stale && error.side == routing::ErrorSide::kUpstream) {
    choice_.try_failed();
  }
  if (phase_ == Phase::kRelaying || phase_ == Phase::kTunnel) {
    drop_upstream();
    client_->abort();
    finish();
    return;
  }
  health_.failed(endpoint_, error, reused_);
  if (error.retry == routing::RetryRule::kTimedOut) {
    circuit_pass_.answered();
  }
  if (!try_again(error)) {
    answer(error.status, error.reason);
  }
}

// The head is the last that is seen of it: its stream is released, and the connection kept if what
// is left of the answer has come.
bool Exchange::drop_answer(const http::ResponseHead& head) {
  // An endpoint that is tired of a kept connection says so to nobody; the request crossed that.
  if (head.status == 408) {
    constexpr auto kTired = routing::upstream_error::kClosedBeforeAnswer;
    return !head.keep_alive && request_ == Half::kEnded &&
           plan_retry(kTired).action == RetryAction::kFreshConnection && try_again(kTired);
  }
  return route_->policy->retries.on.has_status(head.status) &&
         try_again({.status = head.status,
                    .retry = routing::RetryRule::kStatus,
                    .reason = "the endpoint answered with a status that is tried elsewhere"});
}

// False where nothing was done.
bool Exchange::try_again(const ProxyError& error) {
  if (config_ == nullptr) {
    follow_change();
  }
  const auto plan = plan_retry(error);
  if (plan.action == RetryAction::kGiveUp ||
      (error.retry == routing::RetryRule::kStatus && !has_better_endpoint())) {
    return false;
  }
  // A fresh connection for one that was stale is no burden to speak of.
  if (plan.action != RetryAction::kFreshConnection && !circuit_pass_.begin_retry()) {
    circuit_refusal_ = CircuitRefusal::kMaxRetries;
    return false;
  }
  if (plan.price == RetryPrice::kToken && retry_budget_ != nullptr && !retry_budget_->spend()) {
    retry_budget_exhausted_ = true;
    circuit_pass_.end_retry();
    return false;
  }
  forgiven_tries_ += plan.price == RetryPrice::kForgiven ? 1 : 0;
  reason_ = error.reason;
  drop_upstream();
  if (request_ == Half::kOpen) {
    client_->read_more(false);  // nobody is there to take its body until the next try
  }
  if (plan.action == RetryAction::kFreshConnection) {
    acquire(Reuse::kFresh);
  } else {
    pick_endpoint();
  }
  return true;
}

// An answer is worth more than a try at an endpoint that is known to fail.
bool Exchange::has_better_endpoint() const {
  const auto* backend = config_->config().backends.find(static_cast<std::size_t>(route_->backend));
  return backend != nullptr && choice_.has_healthy(endpoints_of(*backend));
}

// A change came while an endpoint was awaited, perhaps the very one that takes this endpoint away:
// where the request is still served in the same way by the same backend (or by the main one,
// instead of a canary that is gone), its further tries are under what is served now.
void Exchange::follow_change() {
  const auto& config = context_.config->config();
  const auto match = config.routes.match({.host = host_, .path = target_.path()});
  if (match.route == nullptr || *match.route->policy != *route_->policy) {
    return;
  }
  const auto* route = follow_canary(*match.route, *route_, match_.route != route_);
  const auto* backend =
      route == nullptr ? nullptr : config.backends.find(static_cast<std::size_t>(route->backend));
  if (backend == nullptr) {
    return;
  }
  match_ = match;
  route_ = route;
  config_ = context_.config;
  context_.pinned.push_back(*this);
  const auto endpoints = endpoints_of(*backend);
  const bool is_there = std::ranges::any_of(endpoints, [this](const Endpoint& endpoint) {
    return endpoint.address == endpoint_.address;
  });
  endpoints_ = static_cast<int>(endpoints.size()) + (is_there ? 0 : 1);
}

routing::RetryPlan Exchange::plan_retry(const ProxyError& error) const {
  const auto elapsed = std::chrono::steady_clock::now() - started_;
  return routing::plan_retry(
      error,
      {.tries = attempts_ - forgiven_tries_,
       .forgiven = forgiven_tries_,
       .endpoints = config_ == nullptr ? 0 : endpoints_,
       .elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed),
       .connection_reused = reused_,
       .request_sent = upstream_ != nullptr && upstream_->has_sent(),
       .answer_begun = answer_seen_,
       .idempotent = routing::is_idempotent(head_->method_text),
       .body_held = replay_.holds_all()},
      route_->policy->retries);
}

// What a policy never sends twice need not be kept, and memory that is short has better uses.
bool Exchange::keeps_body() const {
  const auto& retries = route_->policy->retries;
  return request_ == Half::kOpen && !retries.on.empty() && context_.pressure == Pressure::kNone &&
         (retries.repeats_any_method() || routing::is_idempotent(head_->method_text));
}

void Exchange::on_deadline() {
  if (phase_ == Phase::kQueued) {
    on_queue_deadline();
    return;
  }
  if (to_upstream_ == Flow::kWait && endpoint_reads()) {
    extend_deadline();
    return;
  }
  if (phase_ == Phase::kTunnel) {
    reason_ = "tunnel idle for too long";
    client_->abort();
    finish();
    return;
  }
  // The backend waits for a body that the client has not sent: the client's own deadline judges
  // that.
  if (request_ == Half::kOpen && to_upstream_ == Flow::kGo && to_client_ == Flow::kGo) {
    extend_deadline();
    return;
  }
  if (to_upstream_ == Flow::kWait) {
    upstream_failed(routing::upstream_error::kSendTimeout);
    return;
  }
  upstream_failed(phase_ == Phase::kRelaying ? routing::upstream_error::kBodyTimeout
                                             : routing::upstream_error::kHeadTimeout);
}

// Made for the first request that asks for one: most connections never carry any. One that was in
// line is decided anew where the configuration has changed: what it waited counts.
void Exchange::limit_whole_time() {
  const auto limit = route_->policy->request_timeout;
  if (limit.count() == 0) {
    if (request_deadline_ != nullptr) {
      request_deadline_->end();
    }
    return;
  }
  if (request_deadline_ == nullptr) {
    request_deadline_ =
        std::make_unique<RequestDeadline>(context_.loop, [this] { on_request_deadline(); });
  }
  const auto now = context_.loop.now();
  const bool was_in_line = queued_until_ != std::chrono::steady_clock::time_point();
  request_deadline_->begin(limit, was_in_line ? started_ : now, now);
}

void Exchange::endpoint_has_request() {
  circuit_pass_.asked();
  if (request_deadline_ != nullptr) {
    request_deadline_->endpoint_has_request(context_.loop.now());
  }
}

// The endpoint is told of as if it had not answered in time where that is what it did: else no
// endpoint that hangs would be found out where this is shorter than the read timeout.
void Exchange::on_request_deadline() {
  const bool awaits_answer =
      phase_ == Phase::kAwaiting && request_ == Half::kEnded && to_client_ == Flow::kGo;
  if (awaits_answer && request_deadline_->is_endpoints_fault(context_.loop.now())) {
    choice_.try_failed();
    circuit_pass_.answered();
    health_.failed(endpoint_, routing::upstream_error::kHeadTimeout, reused_);
  }
  answer(504, "the request took too long as a whole");
}

// Whether it has taken anything since it was last looked at.
bool Exchange::endpoint_reads() {
  const auto before = std::exchange(unsent_bytes_, upstream_->unsent_bytes());
  return unsent_bytes_ < before;
}

void Exchange::extend_deadline() {
  if (to_client_ == Flow::kWait && to_upstream_ == Flow::kGo) {
    deadline_.cancel();  // the endpoint is not being read: the client's own deadline judges
    return;
  }
  const auto& policy = *route_->policy;
  deadline_.arm(to_upstream_ == Flow::kWait ? policy.send_timeout : policy.read_timeout);
}

void Exchange::drop_upstream() {
  choice_.try_ended();
  health_.try_ended();
  deadline_.cancel();
  pending_.reset();
  if (upstream_ != nullptr) {
    std::exchange(upstream_, nullptr)->release();
  }
}

}  // namespace portico::exchange
