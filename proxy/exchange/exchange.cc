#include "proxy/exchange/exchange.h"

#include <algorithm>
#include <charconv>

#include "proxy/exchange/canary_choice.h"
#include "proxy/exchange/client_admission.h"
#include "proxy/exchange/retry_budget.h"
#include "proxy/http/chars.h"

namespace portico::exchange {

using http::FieldId;
using http::Framing;
using routing::ProxyError;

Exchange::Exchange(Context& context)
    : context_(context),
      health_(context.loop, &context.tallies),
      choice_(context.balancers, health_),
      replay_(context.replay_buffers),
      circuit_pass_(context.loop, *this),
      deadline_(context.loop, [this] { on_deadline(); }) {}

Exchange::~Exchange() {
  drop_upstream();
}

void Exchange::start(ServerStream& client, http::RequestHead& head,
                     const net::TransportInfo& connection) {
  receive_head(client, head, connection);
  if (parse_target()) {
    route();
  }
}

void Exchange::refuse(ServerStream& client, http::RequestHead& head,
                      const net::TransportInfo& connection, const http::ParseError& error) {
  receive_head(client, head, connection);
  host_ = routing::request_host(head.authority, host_buffer_).value_or(std::string_view());
  answer(error.status, error.reason);
}

void Exchange::receive_head(ServerStream& client, http::RequestHead& head,
                            const net::TransportInfo& connection) {
  client_ = &client;
  head_ = &head;
  connection_ = &connection;
  config_ = context_.config;
  context_.pinned.push_back(*this);
  started_ = std::chrono::steady_clock::now();
  phase_ = Phase::kDeciding;
  const bool no_body = head.framing == Framing::kNone ||
                       (head.framing == Framing::kLength && head.content_length == 0);
  request_ = no_body ? Half::kEnded : Half::kOpen;
  response_ = Half::kOpen;
  to_client_ = to_upstream_ = Flow::kGo;
  match_ = {};
  route_ = nullptr;
  endpoint_ = {};
  choice_.begin();
  health_.begin();
  request_bytes_ = response_bytes_ = 0;
  attempts_ = forgiven_tries_ = 0;
  status_ = upstream_status_ = meant_status_ = 0;
  reused_ = false;
  answer_seen_ = retry_budget_exhausted_ = false;
  circuit_refusal_ = CircuitRefusal::kNone;
  queued_until_ = {};
  retry_budget_ = nullptr;
  reason_ = {};
  host_ = {};
  client_facts_.decide(config_->config().settings->client_address, head, connection);

  const auto received = head.fields.find(FieldId::kXRequestId);
  if (received && http::is_valid_request_id(*received)) {
    outgoing_.forwarded.request_id = *received;
  } else {
    outgoing_.forwarded.request_id = context_.request_ids.next(request_id_);
  }
}

bool Exchange::parse_target() {
  if (head_->method == http::Method::kConnect || head_->method == http::Method::kTrace) {
    answer(405, "method not served");
    return false;
  }
  if (!head_->authority.empty()) {
    const auto host = routing::request_host(head_->authority, host_buffer_);
    if (!host) {
      answer(400, host.error());
      return false;
    }
    host_ = *host;
  }
  const auto parsed = target_.parse(head_->target);
  if (!parsed) {
    answer(400, routing::to_string(parsed.error()));
    return false;
  }
  return true;
}

void Exchange::route() {
  if (context_.pressure == Pressure::kCritical) {
    answer(503, kShedForMemory);
    return;
  }
  match_ = config_->config().routes.match({.host = host_, .path = target_.path()});
  route_ = match_.route;
  if (route_ == nullptr) {
    if (admit_client()) {
      answer_unrouted();
    }
    return;
  }
  authorize();
}

void Exchange::authorize() {
  const auto& policy = *route_->policy;
  if (!policy.denied_because.empty()) {
    answer(503, "route denied: a setting that guards access can't be honoured");
    return;
  }
  const bool redirect =
      policy.force_ssl_redirect || (policy.ssl_redirect && route_->host_has_certificate);
  if (redirect && !client_facts_.https()) {
    answer_moved_to_https();
    return;
  }
  if (!admit_client()) {
    return;
  }
  if (policy.max_body_bytes != 0 && head_->framing == Framing::kLength &&
      head_->content_length > policy.max_body_bytes) {
    answer(413, "request body too large");
    return;
  }
  edit_request();
}

// What a host asks holds for every request that names it, whatever rule serves it; and what a
// rule's own host asks, though a more exact one is named.
bool Exchange::admit_client() {
  const auto* nearest = match_.nearest == nullptr ? nullptr : match_.nearest->tls();
  const auto* owner =
      match_.owner == nullptr || match_.owner == match_.nearest ? nullptr : match_.owner->tls();
  outgoing_.forwarded.tell_certificate = ForwardedFacts::ClientCertificate::kUnasked;
  if (nearest == nullptr && owner == nullptr) {
    return true;
  }
  if (!is_tls() && is_plain_route()) {
    return true;  // whoever asks whether the host is theirs has no certificate
  }
  return (nearest == nullptr || admit_client_to(*nearest)) &&
         (owner == nullptr || admit_client_to(*owner));
}

bool Exchange::is_plain_route() const {
  return route_ != nullptr &&
         std::ranges::any_of(config_->config().settings->plain_paths,
                             [path = std::string_view(route_->spec->path)](const auto& plain) {
                               return path.starts_with(plain);
                             });
}

bool Exchange::admit_client_to(const routing::HostTls& host) {
  const auto admission = exchange::admit_client(host, *connection_);
  if (admission.status == 0) {
    if (host.has_authorities()) {
      using enum ForwardedFacts::ClientCertificate;
      outgoing_.forwarded.client_certificate = admission.certificate;
      outgoing_.forwarded.tell_certificate = host.pass_certificate ? kFactsAndPem : kFacts;
    }
    return true;
  }
  if (admission.has_page && !host.error_page.empty()) {
    reason_ = admission.reason;
    answer_moved(302, host.error_page);
    return false;
  }
  answer(admission.status, admission.reason, admission.message);
  return false;
}

void Exchange::edit_request() {
  const auto port =
      is_tls() ? context_.options.public_https_port : context_.options.public_http_port;
  const auto port_end = std::to_chars(port_text_, port_text_ + sizeof port_text_, port).ptr;

  outgoing_.method = head_->method;
  outgoing_.method_text = head_->method_text;
  outgoing_.target = target_.upstream();
  outgoing_.authority = head_->authority;
  outgoing_.framing = head_->framing;
  outgoing_.content_length = head_->content_length;
  outgoing_.fields = &head_->fields;
  outgoing_.accepts_trailers = head_->accepts_trailers;
  outgoing_.upgrade = head_->upgrade;  // never h2c: the decoder sees to that
  auto& forwarded = outgoing_.forwarded;
  forwarded.client_address = client_facts_.address_text();
  forwarded.forwarded_for = client_facts_.forwarded_for();
  forwarded.for_header = client_facts_.for_header();
  forwarded.rfc7239 = client_facts_.forwarded();
  forwarded.host = client_facts_.host();
  forwarded.port = client_facts_.port();
  if (forwarded.port.empty()) {
    forwarded.port = {port_text_, port_end};
  }
  forwarded.scheme = client_facts_.https() ? "https" : "http";
  replay_.begin(keeps_body());
  limit_whole_time();
  if (route_->canary != nullptr) {
    route_ = &choose_canary(*route_, head_->fields, config_->config(), is_tls(),
                            context_.balancers.lots());
  }
  pick_endpoint();
}

void Exchange::pick_endpoint() {
  const auto* backend = config_->config().backends.find(static_cast<std::size_t>(route_->backend));
  if (backend == nullptr || !backend->spec->missing_because.empty()) {
    answer(503, "Service or port is missing");
    return;
  }
  if (!backend->spec->denied_because.empty()) {
    answer(503, "backend denied: TLS with it can't be had as asked for");
    return;
  }
  if ((backend->circuit != nullptr || circuit_pass_.circuit() != nullptr) &&
      !enter_circuit(*backend)) {
    return;
  }
  const auto endpoints = endpoints_of(*backend);
  const bool is_new = attempts_ == 0 && queued_until_ == std::chrono::steady_clock::time_point();
  health_.begin_try(*route_->policy, endpoints.size(), is_new ? started_ : context_.loop.now());
  health_.count_for(route_->backend, *backend);
  const auto* chosen =
      choice_.next(route_->backend, *backend, endpoints,
                   {.head = *head_,
                    .target = target_,
                    .client = client_facts_,
                    .host = host_,
                    .route_path = route_->spec->path,
                    .server_name = match_.owner == nullptr ? "" : match_.owner->host(),
                    .strategy = config_->config().settings->load_balance,
                    .panic_percent = config_->config().settings->panic_percent,
                    .slow_start = config_->config().settings->slow_start});
  if (chosen == nullptr) {
    answer(503, "no ready endpoint");
    return;
  }
  endpoint_ = *chosen;
  endpoints_ = static_cast<int>(endpoints.size());
  retry_budget_ = backend->retry_budget;
  acquire(health_.is_probe() ? Reuse::kFresh : Reuse::kAllowed);
}

std::span<const Endpoint> Exchange::endpoints_of(const Backend& backend) const {
  return backend.spec->tls_like_client && is_tls() ? backend.tls_endpoints : backend.endpoints;
}

void Exchange::acquire(Reuse reuse) {
  phase_ = Phase::kAcquiring;
  ++attempts_;
  choice_.try_began(endpoint_.id);
  circuit_pass_.begin_try();
  const auto announcement = this->announcement();
  endpoint_.announcement = announcement ? &*announcement : nullptr;
  auto acquired =
      context_.upstreams.acquire(endpoint_, reuse, route_->policy->connect_timeout, *this, *this);
  endpoint_.announcement = nullptr;
  reused_ = acquired.stream != nullptr;
  if (!reused_) {
    pending_ = std::move(acquired.pending);
    return;
  }
  send(*acquired.stream);
}

std::optional<Announcement> Exchange::announcement() const {
  using enum routing::BackendProxyProtocol;
  const auto protocol = route_->policy->backend_proxy_protocol;
  if (protocol == kOff) {
    return std::nullopt;
  }
  return Announcement{.version = protocol == kV1 ? net::ProxyVersion::kV1 : net::ProxyVersion::kV2,
                      .client = client_facts_.address(),
                      .destination = connection_->local};
}

void Exchange::send(ClientStream& stream) {
  upstream_ = &stream;
  phase_ = Phase::kAwaiting;
  if (config_ != nullptr && config_ != context_.config) {
    let_go_of_config();  // a change came while it connected
  }
  const auto kept = replay_.bytes();  // of a try before
  upstream_->send_head(outgoing_, request_ == Half::kOpen || !kept.empty());
  upstream_->read_more(to_client_ == Flow::kGo);
  to_upstream_ = kept.empty() ? Flow::kGo : upstream_->write_body(kept);
  unsent_bytes_ = to_upstream_ == Flow::kWait ? upstream_->unsent_bytes() : 0;
  extend_deadline();
  if (request_ == Half::kEnded) {
    endpoint_has_request();
    upstream_->end(nullptr);
    upstream_->flush();
    return;
  }
  if (attempts_ > 1) {
    upstream_->flush();  // the client may wait before it sends more
  }
  client_->read_more(to_upstream_ == Flow::kGo);
}

void Exchange::on_acquired(ClientStream& stream) {
  pending_.reset();
  reused_ = false;
  send(stream);
  if (upstream_ != nullptr) {
    upstream_->flush();
  }
}

void Exchange::on_acquire_failed(const ProxyError& error) {
  pending_.reset();
  if (error == kNoConnection) {
    refuse_overloaded(CircuitRefusal::kMaxConnections);
    return;
  }
  upstream_failed(error);
}

// ---- relay: the request's side

void Exchange::on_request_body(std::span<const char> piece) {
  request_bytes_ += piece.size();
  const auto limit = route_->policy->max_body_bytes;
  if (phase_ != Phase::kTunnel && limit != 0 && request_bytes_ > limit) {
    answer(413, "request body too large");
    return;
  }
  replay_.add(piece);
  to_upstream_ = upstream_->write_body(piece);
  if (to_upstream_ == Flow::kWait) {
    unsent_bytes_ = upstream_->unsent_bytes();
    client_->read_more(false);
  }
  extend_deadline();
}

void Exchange::on_request_end(const http::FieldBlock* trailers) {
  request_ = Half::kEnded;
  if (trailers != nullptr) {
    replay_.stop();  // they are not kept
  }
  endpoint_has_request();
  upstream_->end(trailers);
  extend_deadline();
  if (phase_ == Phase::kTunnel && response_ == Half::kEnded) {
    finish();
  }
}

void Exchange::on_request_flush() {
  if (upstream_ != nullptr) {
    upstream_->flush();
  }
}

void Exchange::on_upstream_writable() {
  to_upstream_ = Flow::kGo;
  extend_deadline();
  if (request_ == Half::kOpen) {
    client_->read_more(true);
  }
}

void Exchange::on_client_error(const ProxyError& error) {
  if (phase_ == Phase::kIdle) {
    return;
  }
  reason_ = error.reason;
  const bool answer_is_possible = status_ == 0 && error.status != 0;
  if (answer_is_possible) {
    answer(error.status, error.reason);
    return;
  }
  if (status_ == 0) {
    status_ = 499;
  }
  client_->abort();
  finish();
}

// ---- relay: the answer's side

void Exchange::on_response_head(http::ResponseHead& head) {
  if (head.status >= 200 || head.status == 101) {
    choice_.try_answered(head.status);
    health_.answered(endpoint_, head.status);
    if (head.status < 500) {
      circuit_pass_.answered();  // who fails at once must not look fast
    }
  }
  if (head.status >= 400 && drop_answer(head)) {
    return;
  }
  answer_seen_ = true;
  extend_deadline();
  if (head.status == 101) {
    start_tunnel(head);
    return;
  }
  if (head.status < 200) {
    if (head.status != 100 && head_->version_minor > 0) {
      client_->send_interim({.status = head.status, .reason = head.reason, .fields = &head.fields});
    }
    return;
  }
  relay_head(head);
}

void Exchange::relay_head(http::ResponseHead& head) {
  phase_ = Phase::kRelaying;
  status_ = upstream_status_ = head.status;
  replay_.stop();
  if (retry_budget_ != nullptr && head.status < 500) {
    retry_budget_->earn();
  }
  OutgoingResponse response{.status = head.status,
                            .reason = head.reason,
                            .framing = head.framing,
                            .content_length = head.content_length,
                            .to_head = head_->method == http::Method::kHead,
                            .fields = &head.fields,
                            .date = context_.date.now(),
                            .strict_transport_security = strict_transport_security(),
                            .set_cookie = choice_.set_cookie()};
  if (const auto& compression = context_.config->config().compression; compression != nullptr) {
    coded_.begin(*compression, context_.compressors, *head_, head, response);
  }
  client_->send_head(response);
}

void Exchange::start_tunnel(http::ResponseHead& head) {
  if (request_ == Half::kOpen || head.upgrade.empty() ||
      !http::list_contains(outgoing_.upgrade, head.upgrade)) {
    upstream_failed({.reason = "the endpoint switched protocols unasked"});
    return;
  }
  phase_ = Phase::kTunnel;
  if (request_deadline_ != nullptr) {
    request_deadline_->end();  // what a tunnel carries is no answer
  }
  replay_.stop();
  status_ = upstream_status_ = 101;
  request_ = Half::kOpen;
  client_->send_head({.status = 101,
                      .reason = head.reason,
                      .upgrade = head.upgrade,
                      .fields = &head.fields,
                      .set_cookie = choice_.set_cookie()});
  client_->read_more(true);
  extend_deadline();
}

void Exchange::on_response_body(std::span<const char> piece) {
  response_bytes_ += piece.size();
  to_client_ = coded_ ? coded_.write(*client_, piece) : client_->write_body(piece);
  if (to_client_ == Flow::kWait) {
    upstream_->read_more(false);
  }
  extend_deadline();
}

void Exchange::on_response_end(const http::FieldBlock* trailers) {
  response_ = Half::kEnded;
  if (phase_ != Phase::kTunnel) {
    circuit_pass_.leave();  // before the client can know, and ask again
  }
  if (coded_) {
    coded_.end(*client_);
  }
  client_->end(trailers);
  client_->flush();
  if (phase_ == Phase::kTunnel && request_ == Half::kOpen) {
    extend_deadline();
    return;
  }
  finish();
}

void Exchange::on_response_flush() {
  if (phase_ == Phase::kRelaying || phase_ == Phase::kTunnel) {
    if (coded_ && coded_.flush(*client_) == Flow::kWait) {
      to_client_ = Flow::kWait;
      upstream_->read_more(false);
    }
    client_->flush();
  }
}

void Exchange::on_client_stalled() {
  to_client_ = Flow::kWait;
  if (upstream_ != nullptr && response_ == Half::kOpen) {
    upstream_->read_more(false);
    extend_deadline();
  }
}

void Exchange::on_client_writable() {
  to_client_ = Flow::kGo;
  if (upstream_ != nullptr && response_ == Half::kOpen) {
    upstream_->read_more(true);
    extend_deadline();
  }
}

void Exchange::on_upstream_error(const ProxyError& error) {
  upstream_failed(error);
}

// As ingress-nginx: a host that is served with a certificate of another must not be pinned to
// https.
std::string_view Exchange::strict_transport_security() const {
  const bool pinned = is_tls() && route_ != nullptr && route_->host_has_certificate;
  return pinned ? context_.config->config().strict_transport_security : std::string_view();
}

// ---- finish

void Exchange::let_go_of_config() {
  if (phase_ == Phase::kQueued) {
    deadline_.arm(std::chrono::milliseconds(0));  // decided anew
    return;
  }
  if (phase_ < Phase::kAwaiting) {
    return;
  }
  route_owner_ = config_->config().routes.owner_of(match_);
  if (endpoint_.tls != nullptr) {
    tls_owner_ = endpoint_.tls->shared_from_this();
  }
  unpin();
}

void Exchange::unpin() {
  config_.reset();
  if (Pinned::is_linked()) {
    Pinned::unlink();
  }
}

void Exchange::finish() {
  drop_upstream();
  if (request_deadline_ != nullptr) {
    request_deadline_->end();
  }
  replay_.stop();
  if (coded_) {
    response_bytes_ = coded_.written_bytes();
    coded_.stop();
  }
  report();
  circuit_pass_.leave();
  phase_ = Phase::kIdle;
  route_owner_.reset();
  tls_owner_.reset();
  unpin();
  client_->finished();
}

}  // namespace portico::exchange
