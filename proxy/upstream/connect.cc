#include "proxy/upstream/connect.h"

#include <algorithm>
#include <utility>

#include "tls/engine.h"

namespace portico::upstream {
namespace {

using Clock = std::chrono::steady_clock;

constexpr routing::ProxyError kNoSocket{
    503, routing::ErrorSide::kUpstream, routing::RetryRule::kAnotherEndpoint,
    "no descriptor, port or memory for a connection to the endpoint"};

std::shared_ptr<const exchange::UpstreamTls> share(const exchange::UpstreamTls* tls) {
  return tls == nullptr ? nullptr : tls->shared_from_this();
}

std::optional<net::ProxyHeaderText> header_of(const exchange::Announcement* announcement) {
  if (announcement == nullptr) {
    return std::nullopt;
  }
  return net::ProxyHeaderText(announcement->version, announcement->client,
                              announcement->destination);
}

}  // namespace

routing::ProxyError connect_error(net::TransportError error) {
  switch (error) {
    case net::TransportError::kConnectRefused:
      return routing::upstream_error::kConnectRefused;
    case net::TransportError::kTimedOut:
      return routing::upstream_error::kConnectTimeout;
    case net::TransportError::kOther:
      return kNoSocket;
    default:
      return routing::upstream_error::kConnectFailed;
  }
}

Connect::Connect(net::Loop& loop, const exchange::Endpoint& endpoint,
                 const net::ConnectOptions& options, FailureReasons& reasons, Handler done)
    : loop_(loop),
      reasons_(reasons),
      tls_(share(endpoint.tls)),
      header_(header_of(endpoint.announcement)),
      address_(endpoint.address),
      deadline_(Clock::now() + options.timeout),
      done_(std::move(done)),
      connector_(loop, endpoint.address, options,
                 [this](TransportResult result) { on_connected(std::move(result)); }) {}

void Connect::on_connected(TransportResult result) {
  if (!result) {
    finish(std::unexpected(connect_error(result.error())));
    return;
  }
  if (header_) {
    const auto bytes = header_->bytes();
    const iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
    (*result)->write({&piece, 1});
  }
  if (tls_ == nullptr) {
    finish(std::move(*result));
    return;
  }
  net::SocketAddress::TextBuffer text;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
  handshake_.emplace(loop_, std::move(*result),
                     tls::Engine::client(tls_->context, tls_->spec->name, address_.format(text)),
                     std::max(left, std::chrono::milliseconds(1)),
                     [this](TransportResult shaken) { on_shaken_hands(std::move(shaken)); });
}

void Connect::on_shaken_hands(TransportResult result) {
  if (result) {
    finish(std::move(*result));
    return;
  }
  if (result.error() == net::TransportError::kTimedOut) {
    finish(std::unexpected(routing::upstream_error::kHandshakeTimeout));
    return;
  }
  auto error = routing::upstream_error::kHandshakeFailed;
  if (const auto why = handshake_->failure(); !why.empty()) {
    error.reason = reasons_.keep(error.reason, why);
  }
  finish(std::unexpected(error));
}

void Connect::finish(Result result) {
  Handler done = std::move(done_);  // it may destroy this
  done(std::move(result));
}

}  // namespace portico::upstream
