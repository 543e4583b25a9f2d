// A client's TLS connection handed to a backend unopened: bytes both ways (ssl-passthrough).
//
//   client ──> client_ ──write──> upstream_ ──> endpoint        who is not read from, waits:
//          <── client_ <──write── upstream_ <──                 a full socket stops the other side
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "proxy/exchange/context.h"
#include "proxy/exchange/endpoint_choice.h"
#include "proxy/exchange/health_gate.h"
#include "proxy/exchange/reaper.h"
#include "proxy/net/connector.h"
#include "proxy/net/deadline.h"
#include "proxy/net/transport.h"
#include "routing/route_table.h"

namespace portico::server {

class Tunnel;

class TunnelOwner {
 public:
  // Both sides are closed; hand it to the reaper.
  virtual void on_tunnel_closed(Tunnel& tunnel) = 0;

 protected:
  ~TunnelOwner() = default;
};

// Its endpoint is chosen as a request's is, by what there is of one: the client's address and the
// name it asks for. What the endpoint's health is told is whether it can be reached, and nothing of
// what comes after that: a client can send what makes any server fall silent or hang up.
//
// Thread:    worker-bound.
// Lifetime:  the owner's, until on_tunnel_closed. Holds no Config once it is connected, but its
//            route.
// Errors:    an endpoint that can't be reached gives way to another one, three tries in all. A side
//            that fails resets the other, so that a cut can't look like an end. Recorded once.
class Tunnel final : public exchange::Mortal {
 public:
  // What is unread in `client` goes to the endpoint first. `match` has a route.
  Tunnel(exchange::Context& context, TunnelOwner& owner, std::unique_ptr<net::Transport> client,
         std::string server_name, const routing::RouteTable::Match& match);
  // Apart from the constructor, since the owner must hold it first.
  void start();

  std::size_t index = 0;  // the owner's place for it

 private:
  struct Side final : net::TransportSink {
    explicit Side(Tunnel& given) : tunnel(given) {}
    std::size_t on_bytes(std::span<char> bytes) override { return tunnel.relay(*this, bytes); }
    void on_end() override { tunnel.ended(*this); }
    void on_drained() override { tunnel.drained(*this); }
    void on_error(net::TransportError) override { tunnel.failed(*this); }

    Tunnel& tunnel;
    std::unique_ptr<net::Transport> transport;
    std::uint64_t received_bytes = 0;
    bool has_ended = false;
    bool is_full = false;  // a write said so; on_drained has not come yet
  };

  void connect();
  [[nodiscard]] const exchange::Endpoint* next_endpoint();
  void on_connected(std::unique_ptr<net::Transport> transport);
  void announce();
  void on_connect_failed(net::TransportError error);
  std::size_t relay(Side& from, std::span<char> bytes);
  void ended(Side& side);
  void drained(Side& side);
  void failed(Side& side);
  void close_if_over();
  void finish(std::uint16_t status, std::string_view reason, bool reset);
  void record(std::uint16_t status, std::string_view reason);
  [[nodiscard]] Side& other(Side& side) { return &side == &client_ ? upstream_ : client_; }

  exchange::Context& context_;
  TunnelOwner& owner_;
  std::string server_name_;
  exchange::ConfigPointer config_;  // until it is connected, as what match_ points to
  routing::RouteTable::Match match_;
  const routing::Route* route_;
  std::shared_ptr<const void> route_owner_;
  std::chrono::milliseconds idle_timeout_;
  exchange::HealthGate health_;
  exchange::EndpointChoice choice_;
  exchange::Endpoint endpoint_;  // of the last try
  int attempts_ = 0;
  std::chrono::steady_clock::time_point began_;
  Side client_;
  Side upstream_;
  std::optional<net::Connector> connecting_;
  net::Deadline deadline_;
};

}  // namespace portico::server
