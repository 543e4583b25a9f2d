#include "proxy/upstream/pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "proxy/exchange/take_out.h"

namespace portico::upstream {
namespace {

constexpr std::size_t kSpareLeases = 64;

// The last one, which counts in the endpoint's circuit from now on, whosever it was; where that is
// full, one that counts there already. `idle`: its last leads to the endpoint.
std::vector<H1Connection*>::iterator pick_idle(std::vector<H1Connection*>& idle,
                                               const exchange::Endpoint& endpoint) {
  const auto last = std::prev(idle.end());
  if ((*last)->place.circuit() == endpoint.circuit) {
    return last;
  }
  if (auto place = ConnectionPlace::take(endpoint.circuit)) {
    (*last)->place = std::move(*place);
    return last;
  }
  const auto own = std::find_if(idle.rbegin(), idle.rend(), [&endpoint](const auto* connection) {
    return connection->place.circuit() == endpoint.circuit && connection->leads_to(endpoint);
  });
  return own == idle.rend() ? idle.end() : std::prev(own.base());
}

}  // namespace

// A connect for one exchange. What it opens is lent at once; nobody else waits for it.
class Pool::Connecting final : public exchange::PendingAcquire {
 public:
  Connecting(Pool& pool, const exchange::Endpoint& endpoint, std::chrono::milliseconds timeout,
             exchange::ResponseSink& sink, exchange::AcquireSink& waiter, ConnectionPlace place)
      : pool_(pool),
        place_(std::move(place)),
        endpoint_(endpoint.id),
        generation_(pool.pool_of(endpoint.id).generation),
        sink_(sink),
        waiter_(waiter),
        serves_once_(endpoint.announcement != nullptr),
        connect_(pool.loop_, endpoint, {.timeout = timeout}, pool.reasons_,
                 [this](Connect::Result result) { done(std::move(result)); }) {}

 private:
  void done(Connect::Result result) {
    if (!result) {
      ++pool_.counts_.connect_failures;
      waiter_.on_acquire_failed(result.error());
      return;
    }
    auto& connection = pool_.adopt(endpoint_, connect_.tls(), std::move(*result));
    connection.generation = generation_;
    connection.place = std::move(place_);
    if (serves_once_) {
      connection.serve_once();
    }
    waiter_.on_acquired(pool_.lend(connection, sink_));
  }

  Pool& pool_;
  ConnectionPlace place_;
  exchange::EndpointId endpoint_;
  std::uint32_t generation_;
  exchange::ResponseSink& sink_;
  exchange::AcquireSink& waiter_;
  const bool serves_once_;  // its PROXY header speaks for one client
  Connect connect_;
};

// A connect that must wait for its turn.
class Pool::Waiting final : public exchange::PendingAcquire {
 public:
  Waiting(Pool& pool, const exchange::Endpoint& endpoint, exchange::Reuse reuse,
          std::chrono::milliseconds timeout, exchange::ResponseSink& sink,
          exchange::AcquireSink& waiter)
      : pool_(pool),
        endpoint_(endpoint),
        reuse_(reuse),
        timeout_(timeout),
        sink_(sink),
        waiter_(waiter),
        turn_(pool.loop_, *endpoint.circuit, timeout,
              [this](std::optional<ConnectionPlace> place) { done(std::move(place)); }) {
    if (endpoint.announcement != nullptr) {
      announcement_ = *endpoint.announcement;
      endpoint_.announcement = &*announcement_;
    }
  }

 private:
  void done(std::optional<ConnectionPlace> place) {
    if (!place) {
      waiter_.on_acquire_failed(exchange::kNoConnection);
      return;
    }
    // One may have come back meanwhile.
    if (auto* const idle = pool_.take_idle(endpoint_, reuse_); idle != nullptr) {
      waiter_.on_acquired(pool_.lend(*idle, sink_));
      return;
    }
    ++pool_.counts_.connects;
    connecting_.emplace(pool_, endpoint_, timeout_, sink_, waiter_, std::move(*place));
  }

  Pool& pool_;
  exchange::Endpoint endpoint_;  // its `tls` is the exchange's as long as it connects
  std::optional<exchange::Announcement> announcement_;
  exchange::Reuse reuse_;
  std::chrono::milliseconds timeout_;
  exchange::ResponseSink& sink_;
  exchange::AcquireSink& waiter_;
  ConnectionTurn turn_;
  std::optional<Connecting> connecting_;
};

Pool::Pool(net::Loop& loop, const exchange::Options& options, exchange::Reaper& reaper)
    : loop_(loop),
      options_(options),
      reaper_(reaper),
      h2_(loop, options, reaper, reasons_, counts_) {}

Pool::~Pool() {
  for (auto* circuit : circuits_) {
    circuit->remove_holder(*this);
  }
}

exchange::Upstreams::Acquired Pool::acquire(const exchange::Endpoint& endpoint,
                                            exchange::Reuse reuse,
                                            std::chrono::milliseconds connect_timeout,
                                            exchange::ResponseSink& sink,
                                            exchange::AcquireSink& waiter) {
  if (endpoint.circuit != nullptr && circuits_.insert(endpoint.circuit).second) {
    endpoint.circuit->add_holder(loop_, *this);
  }
  if (endpoint.protocol == routing::BackendProtocol::kHttp2) {
    return h2_.acquire(endpoint, reuse, connect_timeout, sink, waiter);
  }
  if (auto* const idle = take_idle(endpoint, reuse); idle != nullptr) {
    return {.stream = &lend(*idle, sink), .pending = nullptr};
  }
  auto place = take_place(endpoint.circuit);
  if (!place) {
    return {.stream = nullptr,
            .pending =
                std::make_unique<Waiting>(*this, endpoint, reuse, connect_timeout, sink, waiter)};
  }
  ++counts_.connects;
  return {.stream = nullptr,
          .pending = std::make_unique<Connecting>(*this, endpoint, connect_timeout, sink, waiter,
                                                  std::move(*place))};
}

H1Connection* Pool::take_idle(const exchange::Endpoint& endpoint, exchange::Reuse reuse) {
  auto& idle = pool_of(endpoint.id).idle;
  // The change after the one that retired an id may give it to another address, and an exchange
  // born before both may still ask by it: never may one address' request go to the other, nor to
  // the same one by another way.
  while (!idle.empty() && !idle.back()->leads_to(endpoint)) {
    idle.back()->close();
  }
  const bool may_share = endpoint.announcement == nullptr;
  if (reuse != exchange::Reuse::kAllowed || !may_share || idle.empty()) {
    return nullptr;
  }
  const auto picked = pick_idle(idle, endpoint);
  if (picked == idle.end()) {
    return nullptr;
  }
  auto* const connection = *picked;
  idle.erase(picked);
  connection->unlink();
  --counts_.idle;
  ++counts_.reuses;
  return connection;
}

// One that is idle makes room, whichever endpoint it leads to.
std::optional<ConnectionPlace> Pool::take_place(exchange::Circuit* circuit) {
  auto place = ConnectionPlace::take(circuit);
  if (!place && close_idle_of(*circuit)) {
    place = ConnectionPlace::take(circuit);
  }
  return place;
}

void Pool::make_room(exchange::Circuit& circuit) {
  if (circuit.connections.has_waiting()) {
    close_idle_of(circuit);
  }
}

bool Pool::close_idle_of(const exchange::Circuit& circuit) {
  const auto idle = std::ranges::find_if(idle_, [&circuit](const H1Connection& connection) {
    return connection.place.circuit() == &circuit;
  });
  if (idle == idle_.end()) {
    return h2_.close_idle_of(circuit);
  }
  idle->close();
  return true;
}

H1Connection& Pool::adopt(exchange::EndpointId endpoint,
                          std::shared_ptr<const exchange::UpstreamTls> tls,
                          std::unique_ptr<net::Transport> transport) {
  auto& connection = connections_.emplace_back(
      std::make_unique<H1Connection>(loop_, options_, static_cast<ConnectionOwner&>(*this),
                                     endpoint, std::move(tls), std::move(transport)));
  connection->index = connections_.size() - 1;
  ++counts_.open;
  connection->start();
  return *connection;
}

exchange::ClientStream& Pool::lend(H1Connection& connection, exchange::ResponseSink& sink) {
  connection.lend(sink, take_lease());
  return connection;
}

void Pool::retire(exchange::EndpointId endpoint) {
  h2_.retire(endpoint);
  auto& pool = pool_of(endpoint);
  ++pool.generation;
  while (!pool.idle.empty()) {
    pool.idle.back()->close();
  }
}

void Pool::on_idle(H1Connection& connection, std::unique_ptr<Lease> lease) {
  if (leases_.size() < kSpareLeases) {
    leases_.push_back(std::move(lease));
  }
  auto& pool = pool_of(connection.endpoint());
  if (connection.generation != pool.generation || connection.place.is_wanted()) {
    connection.close();
    return;
  }
  pool.idle.push_back(&connection);
  idle_.push_back(connection);
  // The one that has been idle for longest is the least likely to be wanted, whosever it is.
  if (++counts_.idle > options_.upstream_idle_connections) {
    idle_.front().close();
  }
}

void Pool::on_closed(H1Connection& connection) {
  auto& idle = pool_of(connection.endpoint()).idle;
  if (const auto found = std::ranges::find(idle, &connection); found != idle.end()) {
    idle.erase(found);
    connection.unlink();
    --counts_.idle;
  }
  --counts_.open;
  connection.place = {};
  reaper_.take(exchange::take_out(connections_, connection.index));
}

Pool::EndpointPool& Pool::pool_of(exchange::EndpointId endpoint) {
  const auto id = static_cast<std::size_t>(endpoint);
  if (endpoints_.size() <= id) {
    endpoints_.resize(id + 1);
  }
  return endpoints_[id];
}

std::unique_ptr<Lease> Pool::take_lease() {
  if (leases_.empty()) {
    return std::make_unique<Lease>(options_.head_limits);
  }
  auto lease = std::move(leases_.back());
  leases_.pop_back();
  return lease;
}

}  // namespace portico::upstream
