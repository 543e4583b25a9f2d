// The way of a fresh connection, from an accepted socket to a Transport that can be served.
//
//   http   accepted ─> [PROXY header] ───────────────────────────────────────> serve
//   https  accepted ─> [PROXY header] ─> [ClientHello peek] ─> TLS handshake ─> serve
//                                              └─> a tunnel to the backend, where the host asks
//
// What stands in brackets is passed only where the Config asks for it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/context.h"
#include "proxy/exchange/reaper.h"
#include "proxy/net/listener.h"
#include "proxy/net/transport.h"
#include "proxy/server/host_policies.h"
#include "proxy/server/metrics.h"
#include "proxy/server/tunnel.h"

namespace portico::server {

class FrontDoorOwner {
 public:
  virtual void serve(std::unique_ptr<net::Transport> transport) = 0;
  // One that had not been served yet is given up, has gone through, or its tunnel is closed.
  virtual void on_arrival_ended() = 0;

 protected:
  ~FrontDoorOwner() = default;
};

// Thread:    worker-bound.
// Lifetime:  destroying it closes those that are on their way, and the tunnels.
// Errors:    who fails on the way is closed, and counted in `metrics`.
class FrontDoor final : private TunnelOwner {
 public:
  FrontDoor(exchange::Context& context, exchange::Reaper& reaper, Metrics& metrics,
            FrontDoorOwner& owner);
  ~FrontDoor();

  void enter_http(net::AcceptedSocket socket);
  void enter_https(net::AcceptedSocket socket);

  // Nobody is on the way, and no tunnel is open.
  [[nodiscard]] bool empty() const { return arrivals_.empty() && tunnels_.empty(); }
  [[nodiscard]] std::size_t tunnel_count() const { return tunnels_.size(); }

 private:
  class Arrival;
  enum class Listener : bool { kHttp, kHttps };

  Arrival& add(Listener listener);
  void await_proxy_header(net::AcceptedSocket socket, Listener listener);
  void end(Arrival& arrival);
  [[nodiscard]] routing::RouteTable::Match passthrough(std::string_view server_name) const;
  void open_tunnel(std::unique_ptr<net::Transport> client, std::string server_name,
                   const routing::RouteTable::Match& match);
  void on_tunnel_closed(Tunnel& tunnel) override;
  [[nodiscard]] const exchange::Config& config() const { return context_.config->config(); }

  exchange::Context& context_;
  exchange::Reaper& reaper_;
  Metrics& metrics_;
  FrontDoorOwner& owner_;
  HostPolicies policies_;
  std::vector<std::unique_ptr<Arrival>> arrivals_;
  std::vector<std::unique_ptr<Tunnel>> tunnels_;
};

}  // namespace portico::server
