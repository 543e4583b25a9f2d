// What an exchange does when its endpoint fails or is late. The phases are in exchange.cc.
#include <utility>

#include "proxy/exchange/exchange.h"

namespace portico::exchange {

using routing::ProxyError;

void Exchange::upstream_failed(const ProxyError& error) {
  if (!reused_ || error.retry != routing::RetryRule::kFreshConnection) {  // that may be staleness
    choice_.try_failed();
  }
  const bool request_sent = request_bytes_ > 0 || (upstream_ != nullptr && upstream_->has_sent());
  const bool answer_begun = phase_ == Phase::kRelaying || phase_ == Phase::kTunnel;
  drop_upstream();
  reason_ = error.reason;
  if (answer_begun) {
    client_->abort();
    finish();
    return;
  }
  const auto action = plan_retry(error, request_sent);
  if (action != routing::RetryAction::kGiveUp && request_ == Half::kOpen) {
    client_->read_more(false);  // nobody is there to take its body until the next try
  }
  if (action == routing::RetryAction::kAnotherEndpoint && config_ != nullptr) {
    pick_endpoint();
    return;
  }
  if (action == routing::RetryAction::kFreshConnection) {
    acquire(Reuse::kFresh);
    return;
  }
  answer(error.status, error.reason);
}

routing::RetryAction Exchange::plan_retry(const ProxyError& error, bool request_sent) const {
  return routing::plan_retry(error,
                             {.tries = attempts_,
                              .connection_reused = reused_,
                              .request_sent = request_sent,
                              .answer_begun = answer_seen_,
                              .idempotent = routing::is_idempotent(head_->method_text),
                              .body_replayable = request_bytes_ == 0 && request_ == Half::kEnded,
                              .body_untouched = request_bytes_ == 0});
}

void Exchange::on_deadline() {
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
  deadline_.cancel();
  pending_.reset();
  if (upstream_ != nullptr) {
    std::exchange(upstream_, nullptr)->release();
  }
}

}  // namespace portico::exchange
