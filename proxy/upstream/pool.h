// A worker's connections to all endpoints: warm ones first, last used first out. HTTP/1 is kept
// here, HTTP/2 in h2_pool.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <absl/container/flat_hash_set.h>
#include <boost/intrusive/list.hpp>

#include "proxy/exchange/options.h"
#include "proxy/exchange/reaper.h"
#include "proxy/exchange/upstreams.h"
#include "proxy/net/loop.h"
#include "proxy/upstream/connect.h"
#include "proxy/upstream/connection_place.h"
#include "proxy/upstream/h1_connection.h"
#include "proxy/upstream/h2_pool.h"
#include "proxy/upstream/pool_counts.h"

namespace portico::upstream {

// Thread:    worker-bound.
// Lifetime:  outlives every exchange that uses it. Connections are keyed by endpoint, not by
// Config, so that a change
//            of anything else leaves them warm.
class Pool final : public exchange::Upstreams,
                   private ConnectionOwner,
                   private exchange::ConnectionHolder {
 public:
  Pool(net::Loop& loop, const exchange::Options& options, exchange::Reaper& reaper);
  ~Pool();

  Acquired acquire(const exchange::Endpoint& endpoint, exchange::Reuse reuse,
                   std::chrono::milliseconds connect_timeout, exchange::ResponseSink& sink,
                   exchange::AcquireSink& waiter) override;

  // No backend names the endpoint any more, or it fails: idle connections close now, lent ones when
  // they come back.
  void retire(exchange::EndpointId endpoint);

  [[nodiscard]] const PoolCounts& counts() const { return counts_; }

 private:
  class Connecting;
  class Waiting;
  struct EndpointPool {
    std::vector<H1Connection*> idle;
    std::uint32_t generation = 0;  // of the address behind this id
  };

  void on_idle(H1Connection& connection, std::unique_ptr<Lease> lease) override;
  void on_closed(H1Connection& connection) override;
  void make_room(exchange::Circuit& circuit) override;
  bool close_idle_of(const exchange::Circuit& circuit);
  std::optional<ConnectionPlace> take_place(exchange::Circuit* circuit);
  H1Connection& adopt(exchange::EndpointId endpoint,
                      std::shared_ptr<const exchange::UpstreamTls> tls,
                      std::unique_ptr<net::Transport> transport);
  exchange::ClientStream& lend(H1Connection& connection, exchange::ResponseSink& sink);
  // Null where none may be used.
  H1Connection* take_idle(const exchange::Endpoint& endpoint, exchange::Reuse reuse);
  EndpointPool& pool_of(exchange::EndpointId endpoint);
  std::unique_ptr<Lease> take_lease();

  net::Loop& loop_;
  const exchange::Options& options_;
  exchange::Reaper& reaper_;
  FailureReasons reasons_;
  boost::intrusive::list<H1Connection, boost::intrusive::constant_time_size<false>>
      idle_;                             // longest first
  std::vector<EndpointPool> endpoints_;  // by EndpointId
  std::vector<std::unique_ptr<H1Connection>> connections_;
  std::vector<std::unique_ptr<Lease>> leases_;
  PoolCounts counts_;
  absl::flat_hash_set<exchange::Circuit*> circuits_;  // that know this pool
  H2Pool h2_;
};

}  // namespace portico::upstream
