// One way to an endpoint: TCP, and TLS on it where the endpoint is talked to by TLS.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>

#include "proxy/exchange/config.h"
#include "proxy/net/connector.h"
#include "proxy/net/loop.h"
#include "proxy/net/proxy_header.h"
#include "proxy/net/tls_transport.h"
#include "proxy/net/transport.h"
#include "proxy/upstream/failure_reasons.h"
#include "routing/proxy_error.h"

namespace portico::upstream {

// Of a connection that did not come about.
[[nodiscard]] routing::ProxyError connect_error(net::TransportError error);

// One attempt, begun by constructing it; `options.timeout` is for both together.
//
// Thread:    worker-bound.
// Lifetime:  destroying it gives up, and nothing is called any more. `done` may destroy it.
// Errors:    reach `done`, exactly once, never from inside the constructor.
class Connect {
 public:
  using Result = std::expected<std::unique_ptr<net::Transport>, routing::ProxyError>;
  using Handler = std::move_only_function<void(Result)>;

  Connect(net::Loop& loop, const exchange::Endpoint& endpoint, const net::ConnectOptions& options,
          FailureReasons& reasons, Handler done);
  Connect(const Connect&) = delete;
  Connect& operator=(const Connect&) = delete;

  // What it was begun for; null: plaintext.
  [[nodiscard]] const std::shared_ptr<const exchange::UpstreamTls>& tls() const { return tls_; }

 private:
  using TransportResult = std::expected<std::unique_ptr<net::Transport>, net::TransportError>;

  void on_connected(TransportResult result);
  void on_shaken_hands(TransportResult result);
  void finish(Result result);

  net::Loop& loop_;
  FailureReasons& reasons_;
  std::shared_ptr<const exchange::UpstreamTls> tls_;
  std::optional<net::ProxyHeaderText> header_;  // comes before the handshake
  net::SocketAddress address_;
  std::chrono::steady_clock::time_point deadline_;
  Handler done_;
  std::optional<net::TlsHandshake> handshake_;
  net::Connector connector_;
};

}  // namespace portico::upstream
