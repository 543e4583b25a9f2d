// The way of a fresh connection, from an accepted socket to a Transport that can be served.
//
//   http   accepted ───────────────────> serve
//   https  accepted ──> TLS handshake ──> serve
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "proxy/exchange/context.h"
#include "proxy/exchange/reaper.h"
#include "proxy/net/listener.h"
#include "proxy/net/transport.h"
#include "proxy/server/host_policies.h"
#include "proxy/server/metrics.h"

namespace portico::server {

class FrontDoorOwner {
 public:
  virtual void serve(std::unique_ptr<net::Transport> transport) = 0;
  // One that had not been served yet is given up, or has gone through.
  virtual void on_arrival_ended() = 0;

 protected:
  ~FrontDoorOwner() = default;
};

// Thread:    worker-bound.
// Lifetime:  destroying it closes those that are on their way.
// Errors:    who fails on the way is closed, and counted in `metrics`.
class FrontDoor {
 public:
  FrontDoor(const exchange::Context& context, exchange::Reaper& reaper, Metrics& metrics,
            FrontDoorOwner& owner);
  ~FrontDoor();

  void enter_http(net::AcceptedSocket socket);
  void enter_https(net::AcceptedSocket socket);

  // Nobody is on the way.
  [[nodiscard]] bool empty() const { return arrivals_.empty(); }

 private:
  class Arrival;

  void end(Arrival& arrival);

  const exchange::Context& context_;
  exchange::Reaper& reaper_;
  Metrics& metrics_;
  FrontDoorOwner& owner_;
  HostPolicies policies_;
  std::vector<std::unique_ptr<Arrival>> arrivals_;
};

}  // namespace portico::server
