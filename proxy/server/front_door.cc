#include "proxy/server/front_door.h"

#include <utility>
#include <variant>

#include "proxy/exchange/take_out.h"
#include "proxy/net/proxy_handshake.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/net/tls_transport.h"
#include "proxy/server/connection_limits.h"
#include "proxy/server/hello_peek.h"
#include "tls/engine.h"

namespace portico::server {

// One connection on its way. Each step replaces the one before it, whose callback is its last act.
class FrontDoor::Arrival final : public exchange::Mortal {
 public:
  Arrival(FrontDoor& door, Listener listener) : door_(door), listener_(listener) {}

  void await_proxy_header(net::AcceptedSocket socket) {
    const auto& client_address = door_.config().settings->client_address;
    ticket_ = static_cast<ConnectionTicket*>(socket.attachment());
    step_.emplace<net::ProxyHandshake>(door_.context_.loop, std::move(socket),
                                       client_address.proxy_header_timeout, [this](auto result) {
                                         if (!result) {
                                           ++door_.metrics_.proxy_header_failures;
                                           door_.end(*this);
                                           return;
                                         }
                                         enter_announced(std::move(*result));
                                       });
  }

  // Only now it is known whose connection it is.
  void enter_announced(std::unique_ptr<net::Transport> transport) {
    if (ticket_ == nullptr || ticket_->enter_for(transport->info().peer)) {
      enter(std::move(transport));
      return;
    }
    ++door_.metrics_.refused.too_many_of_client;
    door_.end(*this);
  }

  void enter(std::unique_ptr<net::Transport> transport) {
    if (listener_ == Listener::kHttp) {
      door_.owner_.serve(std::move(transport));
      door_.end(*this);
      return;
    }
    if (door_.config().passthrough_hosts == 0) {
      shake_hands(std::move(transport));
      return;
    }
    step_
        .emplace<HelloPeek>(door_.context_.loop, std::move(transport),
                            door_.context_.options.handshake_timeout,
                            [this](Peeked peeked) { choose(std::move(peeked)); })
        .start();
  }

  std::size_t index = 0;  // in arrivals_

 private:
  // A tunnel where the host asks for one; bytes that are no hello are OpenSSL's to judge.
  void choose(Peeked peeked) {
    if (peeked.transport == nullptr) {
      ++door_.metrics_.handshake_failures;
      door_.end(*this);
      return;
    }
    const auto match =
        peeked.hello ? door_.passthrough(peeked.hello->server_name) : routing::RouteTable::Match();
    if (match.route == nullptr) {
      shake_hands(std::move(peeked.transport));
      return;
    }
    door_.open_tunnel(std::move(peeked.transport), std::move(peeked.hello->server_name), match);
    door_.end(*this);
  }

  void shake_hands(std::unique_ptr<net::Transport> below) {
    step_.emplace<net::TlsHandshake>(
        door_.context_.loop, std::move(below),
        tls::Engine::server(door_.config().tls, door_.config().certificates, &door_.policies_),
        door_.context_.options.handshake_timeout, [this](auto result) {
          if (result) {
            door_.owner_.serve(std::move(*result));
          } else {
            ++door_.metrics_.handshake_failures;
          }
          door_.end(*this);
        });
  }

  FrontDoor& door_;
  const Listener listener_;
  ConnectionTicket* ticket_ = nullptr;  // while a PROXY header is waited for: the socket's
  std::variant<std::monostate, net::ProxyHandshake, HelloPeek, net::TlsHandshake> step_;
};

FrontDoor::FrontDoor(exchange::Context& context, exchange::Reaper& reaper, Metrics& metrics,
                     FrontDoorOwner& owner)
    : context_(context), reaper_(reaper), metrics_(metrics), owner_(owner), policies_(context) {}

FrontDoor::~FrontDoor() = default;

void FrontDoor::enter_http(net::AcceptedSocket socket) {
  ++metrics_.accepted_http;
  if (config().settings->client_address.use_proxy_protocol) {
    await_proxy_header(std::move(socket), Listener::kHttp);
    return;
  }
  owner_.serve(net::make_tcp_transport(context_.loop, std::move(socket)));
}

void FrontDoor::enter_https(net::AcceptedSocket socket) {
  ++metrics_.accepted_https;
  if (config().settings->client_address.use_proxy_protocol) {
    await_proxy_header(std::move(socket), Listener::kHttps);
    return;
  }
  add(Listener::kHttps).enter(net::make_tcp_transport(context_.loop, std::move(socket)));
}

// Whoever may not announce a client may not come without one either: the way past the balancer is
// closed.
void FrontDoor::await_proxy_header(net::AcceptedSocket socket, Listener listener) {
  if (!config().settings->client_address.trusts(socket.peer().ip_bytes())) {
    ++metrics_.proxy_header_failures;
    return;
  }
  add(listener).await_proxy_header(std::move(socket));
}

FrontDoor::Arrival& FrontDoor::add(Listener listener) {
  auto& arrival = arrivals_.emplace_back(std::make_unique<Arrival>(*this, listener));
  arrival->index = arrivals_.size() - 1;
  return *arrival;
}

void FrontDoor::end(Arrival& arrival) {
  reaper_.take(exchange::take_out(arrivals_, arrival.index));
  owner_.on_arrival_ended();
}

// ---- passthrough

// Where the host's "/" leads, if the host asks for it: not where a wider one does, whose backend
// would take the connections of rules that are not its own. What is denied is opened, to be told
// so.
routing::RouteTable::Match FrontDoor::passthrough(std::string_view server_name) const {
  routing::HostBuffer buffer;
  const auto host = routing::request_host(server_name, buffer);
  const auto match = host && !host->empty() ? config().routes.match({.host = *host, .path = "/"})
                                            : routing::RouteTable::Match();
  const bool asked = match.route != nullptr && match.route->host_ssl_passthrough &&
                     match.owner == match.nearest && match.route->policy->denied_because.empty();
  return asked ? match : routing::RouteTable::Match();
}

void FrontDoor::open_tunnel(std::unique_ptr<net::Transport> client, std::string server_name,
                            const routing::RouteTable::Match& match) {
  auto& tunnel = tunnels_.emplace_back(
      std::make_unique<Tunnel>(context_, static_cast<TunnelOwner&>(*this), std::move(client),
                               std::move(server_name), match));
  tunnel->index = tunnels_.size() - 1;
  tunnel->start();
}

void FrontDoor::on_tunnel_closed(Tunnel& tunnel) {
  reaper_.take(exchange::take_out(tunnels_, tunnel.index));
  owner_.on_arrival_ended();
}

}  // namespace portico::server
