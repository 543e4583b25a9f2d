// A worker's HTTP/2 connections to all endpoints: a stream of one with room first; a connect is
// shared by all who wait for one. What one carries counts in one circuit, so that it need not be
// told whose it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <boost/intrusive/list.hpp>

#include "proxy/exchange/options.h"
#include "proxy/exchange/reaper.h"
#include "proxy/exchange/upstreams.h"
#include "proxy/net/loop.h"
#include "proxy/upstream/failure_reasons.h"
#include "proxy/upstream/h2_connection.h"
#include "proxy/upstream/pool_counts.h"

namespace portico::upstream {

// Thread:    worker-bound.
// Lifetime:  outlives every exchange that uses it.
class H2Pool final : private H2ConnectionOwner {
 public:
  H2Pool(net::Loop& loop, const exchange::Options& options, exchange::Reaper& reaper,
         FailureReasons& reasons, PoolCounts& counts);
  ~H2Pool();

  exchange::Upstreams::Acquired acquire(const exchange::Endpoint& endpoint, exchange::Reuse reuse,
                                        std::chrono::milliseconds connect_timeout,
                                        exchange::ResponseSink& sink,
                                        exchange::AcquireSink& waiter);

  // No backend names the endpoint any more, or it fails: what is open is finished, and new requests
  // get new connections.
  void retire(exchange::EndpointId endpoint);
  // One; false where none is idle.
  bool close_idle_of(const exchange::Circuit& circuit);

 private:
  class Connecting;
  class Waiting;
  using WaitingHook =
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using WaitingList = boost::intrusive::list<Waiting, boost::intrusive::base_hook<WaitingHook>,
                                             boost::intrusive::constant_time_size<false>>;
  struct EndpointConnections {
    std::vector<H2Connection*> open;
    std::vector<std::unique_ptr<Connecting>> coming;
  };

  void on_idle_changed(H2Connection& connection, bool idle) override;
  void on_room(H2Connection& connection) override;
  void on_closed(H2Connection& connection) override;
  void serve_line(exchange::EndpointId endpoint);
  [[nodiscard]] bool has_line(exchange::EndpointId endpoint) const;
  bool serve_one_of(exchange::EndpointId endpoint);
  // Null where none may be used.
  H2Connection* find_room(const exchange::Endpoint& endpoint);
  Connecting& connecting_to(const exchange::Endpoint& endpoint, std::chrono::milliseconds timeout);
  void connect_for(const exchange::Endpoint& endpoint, std::chrono::milliseconds timeout,
                   WaitingList& waiting);
  std::unique_ptr<Connecting> take_out(Connecting& connecting);
  H2Connection& adopt(exchange::EndpointId endpoint,
                      std::shared_ptr<const exchange::UpstreamTls> tls,
                      std::unique_ptr<net::Transport> transport);

  net::Loop& loop_;
  const exchange::Options& options_;
  exchange::Reaper& reaper_;
  FailureReasons& reasons_;
  PoolCounts& counts_;
  absl::flat_hash_map<exchange::EndpointId, EndpointConnections> endpoints_;
  std::vector<std::unique_ptr<H2Connection>> connections_;
  std::size_t in_line_ = 0;  // connects that wait for their turn
};

}  // namespace portico::upstream
