#include "proxy/server/tunnel.h"

#include <span>
#include <utility>

#include "proxy/net/proxy_header.h"
#include "proxy/upstream/connect.h"
#include "routing/retry_plan.h"

namespace portico::server {
namespace {

// Finds a peer that is gone, as for any endpoint's connection.
constexpr std::chrono::seconds kKeepalive{60};

}  // namespace

Tunnel::Tunnel(exchange::Context& context, TunnelOwner& owner,
               std::unique_ptr<net::Transport> client, std::string server_name,
               const routing::RouteTable::Match& match)
    : context_(context),
      owner_(owner),
      server_name_(std::move(server_name)),
      config_(context.config),
      match_(match),
      route_(match.route),
      route_owner_(context.config->config().routes.owner_of(match)),
      idle_timeout_(context.config->config().settings->stream_timeout),
      health_(context.loop),
      choice_(context.balancers, health_),
      began_(std::chrono::steady_clock::now()),
      client_(*this),
      upstream_(*this),
      deadline_(context.loop, [this] { finish(504, "idle for too long", true); }) {
  client_.transport = std::move(client);
  choice_.begin();
  health_.begin();
}

void Tunnel::start() {
  client_.transport->start(client_);
  client_.transport->pause_reading();  // until there is somebody to give it to
  connect();
}

void Tunnel::connect() {
  const auto* const chosen = next_endpoint();
  if (chosen == nullptr) {
    finish(503, "no ready endpoint", false);
    return;
  }
  endpoint_ = *chosen;
  ++attempts_;
  choice_.try_began(endpoint_.id);
  const net::ConnectOptions options{.timeout = route_->policy->connect_timeout,
                                    .keepalive = kKeepalive};
  connecting_.emplace(context_.loop, endpoint_.address, options, [this](auto result) {
    if (result) {
      on_connected(std::move(*result));
    } else {
      on_connect_failed(result.error());
    }
  });
}

// By an empty request of this client's: what goes by more than that, goes by the strategy.
const exchange::Endpoint* Tunnel::next_endpoint() {
  const auto& config = config_->config();
  const auto* const backend = config.backends.find(static_cast<std::size_t>(route_->backend));
  if (backend == nullptr) {
    return nullptr;
  }
  const http::RequestHead head{};
  const routing::NormalTarget target;
  exchange::ClientFacts client;
  client.decide(config.settings->client_address, head, client_.transport->info());
  health_.begin_try(*route_->policy, backend->endpoints.size(), context_.loop.now());
  return choice_.next(route_->backend, *backend, backend->endpoints,
                      {.head = head,
                       .target = target,
                       .client = client,
                       .host = server_name_,
                       .route_path = route_->spec->path,
                       .server_name = match_.owner == nullptr ? "" : match_.owner->host(),
                       .strategy = config.settings->load_balance,
                       .panic_percent = config.settings->panic_percent,
                       .slow_start = config.settings->slow_start});
}

void Tunnel::on_connected(std::unique_ptr<net::Transport> transport) {
  upstream_.transport = std::move(transport);
  connecting_.reset();
  match_ = {};
  config_.reset();
  deadline_.arm(idle_timeout_);
  health_.answered(endpoint_, 200);
  announce();
  upstream_.transport->start(upstream_);
  client_.transport->resume_reading();
}

void Tunnel::announce() {
  using enum routing::BackendProxyProtocol;
  const auto protocol = route_->policy->backend_proxy_protocol;
  if (protocol == kOff) {
    return;
  }
  const auto& client = client_.transport->info();
  const net::ProxyHeaderText header(
      protocol == kV1 ? net::ProxyVersion::kV1 : net::ProxyVersion::kV2, client.peer, client.local);
  const auto bytes = header.bytes();
  const iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  upstream_.transport->write({&piece, 1});
}

void Tunnel::on_connect_failed(net::TransportError error) {
  health_.failed(endpoint_, upstream::connect_error(error), false);
  choice_.try_ended();
  health_.try_ended();
  if (attempts_ < routing::kMaxTries) {
    connect();
    return;
  }
  connecting_.reset();
  finish(502, "no endpoint could be reached", false);
}

// ---- both ways

std::size_t Tunnel::relay(Side& from, std::span<char> bytes) {
  auto& to = other(from);
  from.received_bytes += bytes.size();
  deadline_.arm(idle_timeout_);
  const iovec piece{.iov_base = bytes.data(), .iov_len = bytes.size()};
  if (!to.transport->write({&piece, 1})) {
    to.is_full = true;
    from.transport->pause_reading();
  }
  return bytes.size();
}

void Tunnel::drained(Side& side) {
  side.is_full = false;
  deadline_.arm(idle_timeout_);
  auto& from = other(side);
  if (!from.has_ended) {
    from.transport->resume_reading();
  }
  close_if_over();
}

void Tunnel::ended(Side& side) {
  side.has_ended = true;
  deadline_.arm(idle_timeout_);
  other(side).transport->finish_writing();
  close_if_over();
}

void Tunnel::failed(Side& side) {
  finish(200, &side == &client_ ? "the client broke off" : "the endpoint broke off", true);
}

void Tunnel::close_if_over() {
  const bool both_ended = client_.has_ended && upstream_.has_ended;
  if (both_ended && !client_.is_full && !upstream_.is_full) {
    finish(200, {}, false);
  }
}

void Tunnel::finish(std::uint16_t status, std::string_view reason, bool reset) {
  deadline_.cancel();
  choice_.try_ended();
  health_.try_ended();
  for (auto* const side : {&client_, &upstream_}) {
    if (side->transport != nullptr) {
      side->transport->close(reset);
    }
  }
  record(status, reason);
  owner_.on_tunnel_closed(*this);
}

void Tunnel::record(std::uint16_t status, std::string_view reason) {
  const auto took = std::chrono::steady_clock::now() - began_;
  context_.recorder.record(
      {.host = server_name_,
       .scheme = "tls",
       .tunnel = true,
       .status = status,
       .request_bytes = client_.received_bytes,
       .response_bytes = upstream_.received_bytes,
       .duration = took,
       .upstream_duration = attempts_ == 0 ? std::chrono::steady_clock::duration() : took,
       .client = client_.transport->info().peer,
       .endpoint = attempts_ == 0 ? nullptr : &endpoint_.address,
       .route = route_,
       .attempts = attempts_,
       .ejections = health_.ejections(),
       .panicked = choice_.panicked(),
       .reason = reason});
}

}  // namespace portico::server
