// From a server's name to a connection that HTTP can be spoken on: address, proxy, TLS.
#pragma once

#include <chrono>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/kube/api/client.h"
#include "controller/kube/api/server_url.h"
#include "proxy/net/connector.h"
#include "proxy/net/tls_transport.h"

namespace portico::tls {
class ClientContext;
}

namespace portico::kube {

class DnsChannel;
class ProxyTunnel;

// Where to connect, and what is needed for it.
struct DialPlan {
  ServerUrl server;
  std::string tls_server_name;                          // what the certificate must say
  std::optional<ServerUrl> proxy;                       // spoken to by CONNECT
  std::chrono::milliseconds connect_timeout{5'000};     // an address
  std::chrono::milliseconds handshake_timeout{10'000};  // TLS, and the proxy's answer
};

// Opened when a name has to be looked up for the first time.
//
// Thread:    the loop's.
// Lifetime:  outlives the dials.
class DialResolver {
 public:
  using Callback =
      std::move_only_function<void(std::expected<std::vector<std::string>, std::string>)>;

  // `servers` as "ip:port"; none: those of /etc/resolv.conf.
  explicit DialResolver(net::Loop& loop, std::vector<std::string> servers = {});
  ~DialResolver();
  // Its addresses, as text, in the order they are to be tried. Never from inside this call; the
  // callback guards itself against what it calls being gone.
  void resolve(const std::string& host, Callback callback);

 private:
  net::Loop& loop_;
  std::vector<std::string> servers_;
  std::unique_ptr<DnsChannel> channel_;
};

// One attempt, begun by constructing it: the addresses in turn, until one takes the connection. A
// refusal by TLS or by the proxy is final.
//
// Thread:    the loop's.
// Lifetime:  destroying it gives up, and nothing is called any more. `done` may destroy it.
// Errors:    reach `done`, exactly once, never from inside the constructor.
class Dial {
 public:
  using Handler =
      std::move_only_function<void(std::expected<std::unique_ptr<net::Transport>, ApiFailure>)>;

  // `plan` outlives it. `context` null: plain.
  Dial(net::Loop& loop, DialResolver& resolver, const DialPlan& plan,
       std::shared_ptr<const tls::ClientContext> context, Handler done);
  ~Dial();
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

 private:
  [[nodiscard]] const ServerUrl& next_hop() const;
  void take_addresses(std::expected<std::vector<std::string>, std::string> addresses);
  void try_next();
  void on_connected(std::unique_ptr<net::Transport> transport);
  void shake_hands(std::unique_ptr<net::Transport> transport);
  void succeed(std::unique_ptr<net::Transport> transport);
  void fail(ApiFailure::Kind kind, std::string why);

  net::Loop& loop_;
  const DialPlan& plan_;
  std::shared_ptr<const tls::ClientContext> context_;
  Handler done_;
  std::deque<net::SocketAddress> addresses_;  // still to be tried
  std::string refusals_;                      // of those that were
  ApiFailure::Kind last_kind_ = ApiFailure::Kind::kConnect;
  std::unique_ptr<net::Connector> connector_;
  std::unique_ptr<ProxyTunnel> tunnel_;
  std::unique_ptr<net::TlsHandshake> handshake_;
  std::shared_ptr<const char> alive_ = std::make_shared<const char>('\0');
};

}  // namespace portico::kube
