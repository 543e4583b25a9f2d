// How an exchange ends: the answers that are made here, and the record. The phases are in
// exchange.cc.
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/grpc_status.h"
#include "proxy/http/error_page.h"
#include "proxy/http/status_text.h"

namespace portico::exchange {

using http::FieldId;
using http::Framing;

// ---- own answers

void Exchange::answer(std::uint16_t status, std::string_view reason, std::string_view message) {
  drop_upstream();
  reason_ = reason;
  if (status_ != 0) {
    client_->abort();
    finish();
    return;
  }
  // By a 421 any client tries again on another connection.
  if (status != 421 &&
      is_grpc(head_->fields.find(FieldId::kContentType).value_or(std::string_view()))) {
    answer_grpc(status);
    return;
  }
  const auto accept = head_->fields.find(FieldId::kAccept).value_or(std::string_view());
  const auto page = http::error_page(status, accept, outgoing_.forwarded.request_id, message);
  OutgoingResponse response{.status = status,
                            .content_type = page.content_type,
                            .overloaded = to_string(circuit_refusal_)};
  if (context_.pressure == Pressure::kCritical ||
      (status == 503 && circuit_refusal_ != CircuitRefusal::kNone)) {
    response.retry_after = "1";
  }
  send_own_head(response, page.body);
}

// Load balancers of clouds (Azure's) probe the port that they lead to, by an address: as in
// ingress-nginx, a host that no rule names says there that it lives.
void Exchange::answer_unrouted() {
  const bool is_known = match_.nearest != nullptr && !match_.nearest->host().empty();
  if (is_known || target_.path() != "/healthz") {
    answer(404, "no route");
    return;
  }
  reason_ = "a load balancer's probe";
  OutgoingResponse response{.status = 200};
  send_own_head(response, {});
}

// Trailers-only: HTTP's own status is of no use to such a client.
void Exchange::answer_grpc(std::uint16_t status) {
  meant_status_ = status;
  std::string message = std::to_string(status);
  message.append(" ").append(http::status_text(status));
  OutgoingResponse response{.status = 200,
                            .content_type = "application/grpc",
                            .overloaded = to_string(circuit_refusal_),
                            .grpc_status = grpc_status_of(status),
                            .grpc_message = message};
  send_own_head(response, {});
}

// As ingress-nginx does it: the host without its port, the target as received but for one slash at
// its end.
void Exchange::answer_moved_to_https() {
  const auto claimed = client_facts_.redirect_host();
  const auto host = claimed.empty() ? host_ : claimed;
  if (host.empty()) {
    answer(400, "no host to redirect to");
    return;
  }
  std::string location = "https://";
  location.append(host);
  if (context_.options.public_https_port != 443) {
    location.append(":").append(std::to_string(context_.options.public_https_port));
  }
  std::string_view target = head_->target;
  if (target.ends_with('/')) {
    target.remove_suffix(1);
  }
  location.append(target);
  reason_ = "redirected to https";
  answer_moved(308, location);
}

void Exchange::answer_moved(std::uint16_t status, std::string_view location) {
  const auto page = http::error_page(status, {}, outgoing_.forwarded.request_id);
  OutgoingResponse response{
      .status = status, .content_type = page.content_type, .location = location};
  send_own_head(response, page.body);
}

void Exchange::send_own_head(OutgoingResponse& response, std::string_view body) {
  status_ = response.status;
  response.framing = Framing::kLength;
  response.content_length = body.size();
  response.to_head = head_->method == http::Method::kHead;
  response.date = context_.date.now();
  response.strict_transport_security = strict_transport_security();
  response.own = true;
  client_->send_head(response);
  if (!response.to_head && !body.empty()) {
    response_bytes_ += body.size();
    client_->write_body({body.data(), body.size()});
  }
  client_->end(nullptr);
  client_->flush();
  finish();
}

void Exchange::report() {
  const auto now = std::chrono::steady_clock::now();
  const auto view = [this](FieldId id) {
    return head_->fields.find(id).value_or(std::string_view());
  };
  context_.recorder.record(
      {.method = head_->method_text,
       .target = head_->target,
       .host = host_,
       .scheme = client_facts_.https() ? "https" : "http",
       .user_agent = view(FieldId::kUserAgent),
       .referer = view(FieldId::kReferer),
       .request_id = outgoing_.forwarded.request_id,
       .version_major = head_->version_major,
       .version_minor = head_->version_major == 1 ? head_->version_minor : std::uint8_t{0},
       .status = status_,
       .meant_status = meant_status_,
       .upstream_status = upstream_status_,
       .request_head_bytes = head_->wire_bytes,
       .request_bytes = request_bytes_,
       .response_bytes = response_bytes_,
       .duration = now - started_,
       .upstream_duration = attempts_ == 0 ? std::chrono::steady_clock::duration() : now - started_,
       .client = client_facts_.address(),
       .endpoint = attempts_ == 0 ? nullptr : &endpoint_.address,
       .route = route_,
       .attempts = attempts_,
       .ejections = health_.ejections(),
       .panicked = choice_.panicked(),
       .retry_budget_exhausted = retry_budget_exhausted_,
       .circuit_refusal = circuit_refusal_,
       .reused_connection = reused_,
       .reason = reason_});
}

}  // namespace portico::exchange
