#include "proxy/upstream/h2_pool.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "proxy/exchange/take_out.h"
#include "proxy/upstream/connect.h"

namespace portico::upstream {
namespace {

// How long a node may leave what was sent to it unacknowledged. A connection that many share must
// not let each of them find out by its own timeout that nobody is there.
constexpr std::chrono::seconds kUnacknowledgedLimit{20};
constexpr std::chrono::seconds kKeepalive{30};

}  // namespace

// An exchange that waits for a stream; destroying it gives up.
class H2Pool::Waiting final : public exchange::PendingAcquire, public WaitingHook {
 public:
  Waiting(exchange::ResponseSink& sink, exchange::AcquireSink& waiter)
      : sink_(sink), waiter_(waiter) {}
  void acquired(H2Connection& connection) { waiter_.on_acquired(connection.lend(sink_)); }
  void failed(const routing::ProxyError& error) { waiter_.on_acquire_failed(error); }

 private:
  exchange::ResponseSink& sink_;
  exchange::AcquireSink& waiter_;
};

// A connect, and who waits for it. It goes on when nobody does any more: others are likely to come.
// One whose PROXY header speaks for one client is that client's alone.
//
// Where its backend may have no more connections it waits for its turn first; streams of others
// that come back meanwhile serve who waits here.
class H2Pool::Connecting final {
 public:
  Connecting(H2Pool& pool, const exchange::Endpoint& endpoint, std::chrono::milliseconds timeout)
      : pool_(pool),
        endpoint_(endpoint),
        timeout_(timeout),
        retired_(endpoint.announcement != nullptr) {
    if (endpoint.tls != nullptr) {
      tls_ = endpoint.tls->shared_from_this();
    }
    if (endpoint.announcement != nullptr) {
      announcement_ = *endpoint.announcement;  // the caller's lives through the call only
      endpoint_.announcement = &*announcement_;
    }
    if (auto place = ConnectionPlace::take(endpoint.circuit)) {
      connect(std::move(*place));
      return;
    }
    ++pool_.in_line_;
    turn_.emplace(pool.loop_, *endpoint.circuit, timeout,
                  [this](std::optional<ConnectionPlace> turn) { on_turn(std::move(turn)); });
  }
  ~Connecting() { pool_.in_line_ -= is_in_line() ? 1 : 0; }

  [[nodiscard]] exchange::EndpointId endpoint() const { return endpoint_.id; }
  // As it is asked for there, and counted in the same circuit.
  [[nodiscard]] bool leads_to(const exchange::Endpoint& endpoint) const {
    return endpoint_.address == endpoint.address && tls_.get() == endpoint.tls &&
           endpoint_.circuit == endpoint.circuit;
  }
  [[nodiscard]] bool has_room() const {
    return !retired_ && waiting_.size() < pool_.options_.upstream_streams;
  }
  void add(Waiting& waiting) { waiting_.push_back(waiting); }
  void add_all(WaitingList& waiting) { waiting_.splice(waiting_.end(), waiting); }
  void retire() { retired_ = true; }
  [[nodiscard]] bool is_in_line() const { return turn_.has_value(); }

  [[nodiscard]] bool is_deserted() const { return waiting_.empty(); }
  // Whether a stream of another connection would do.
  [[nodiscard]] bool may_be_served() const {
    return is_in_line() && !waiting_.empty() && endpoint_.announcement == nullptr;
  }
  // By what has room again; false where nothing has.
  bool serve_one() {
    auto* const connection = pool_.find_room(endpoint_);
    if (connection != nullptr) {
      lend(*connection);
    }
    return connection != nullptr;
  }

 private:
  void on_turn(std::optional<ConnectionPlace> place) {
    turn_.reset();
    --pool_.in_line_;
    if (!place || waiting_.empty()) {
      const auto self = pool_.take_out(*this);
      tell_all(exchange::kNoConnection);
      return;
    }
    connect(std::move(*place));
  }

  void connect(ConnectionPlace place) {
    place_ = std::move(place);
    ++pool_.counts_.connects;
    connect_.emplace(pool_.loop_, endpoint_,
                     net::ConnectOptions{.timeout = timeout_,
                                         .unacknowledged_limit = kUnacknowledgedLimit,
                                         .keepalive = kKeepalive},
                     pool_.reasons_, [this](Connect::Result result) { done(std::move(result)); });
  }

  void done(Connect::Result result) {
    const auto self = pool_.take_out(*this);
    if (!result) {
      ++pool_.counts_.connect_failures;
      tell_all(result.error());
      return;
    }
    auto& connection = pool_.adopt(endpoint_.id, tls_, std::move(*result));
    connection.place = std::move(place_);
    if (!connection.has_room()) {
      tell_all(routing::upstream_error::kConnectFailed);
      return;
    }
    while (!waiting_.empty() && connection.has_room()) {
      lend(connection);
    }
    if (!waiting_.empty()) {
      pool_.connect_for(endpoint_, timeout_, waiting_);
    }
    if (retired_) {
      connection.retire();
    }
    if (connection.lent() == 0) {
      pool_.on_room(connection);  // nobody waited any more, but elsewhere somebody may
    }
  }

  void lend(H2Connection& connection) {
    auto& waiting = waiting_.front();
    waiting_.pop_front();
    waiting.acquired(connection);
  }

  void tell_all(const routing::ProxyError& error) {
    while (!waiting_.empty()) {
      auto& waiting = waiting_.front();
      waiting_.pop_front();
      waiting.failed(error);
    }
  }

  H2Pool& pool_;
  exchange::Endpoint endpoint_;  // its `tls` lives as long as tls_
  std::optional<exchange::Announcement> announcement_;
  std::shared_ptr<const exchange::UpstreamTls> tls_;  // null: plaintext
  std::chrono::milliseconds timeout_;
  WaitingList waiting_;
  bool retired_;  // takes none but the first who waits
  std::optional<ConnectionTurn> turn_;
  ConnectionPlace place_;
  std::optional<Connect> connect_;
};

H2Pool::H2Pool(net::Loop& loop, const exchange::Options& options, exchange::Reaper& reaper,
               FailureReasons& reasons, PoolCounts& counts)
    : loop_(loop), options_(options), reaper_(reaper), reasons_(reasons), counts_(counts) {}

H2Pool::~H2Pool() = default;

exchange::Upstreams::Acquired H2Pool::acquire(const exchange::Endpoint& endpoint,
                                              exchange::Reuse reuse,
                                              std::chrono::milliseconds connect_timeout,
                                              exchange::ResponseSink& sink,
                                              exchange::AcquireSink& waiter) {
  if (reuse == exchange::Reuse::kAllowed && endpoint.announcement == nullptr) {
    if (auto* const connection = find_room(endpoint); connection != nullptr) {
      ++counts_.reuses;
      return {.stream = &connection->lend(sink), .pending = nullptr};
    }
  }
  auto waiting = std::make_unique<Waiting>(sink, waiter);
  connecting_to(endpoint, connect_timeout).add(*waiting);
  return {.stream = nullptr, .pending = std::move(waiting)};
}

H2Connection* H2Pool::find_room(const exchange::Endpoint& endpoint) {
  const auto found = endpoints_.find(endpoint.id);
  if (found == endpoints_.end()) {
    return nullptr;
  }
  // An id may have been given to another address meanwhile, as in Pool.
  const auto fits = [&](const H2Connection* connection) {
    return connection->has_room() && connection->leads_to(endpoint);
  };
  H2Connection* others_idle = nullptr;
  for (auto* connection : found->second.open) {
    if (!fits(connection)) {
      continue;
    }
    if (connection->place.circuit() == endpoint.circuit) {
      return connection;
    }
    others_idle = connection->lent() == 0 ? connection : others_idle;
  }
  auto place = others_idle == nullptr ? std::nullopt : ConnectionPlace::take(endpoint.circuit);
  if (!place) {
    return nullptr;
  }
  others_idle->place = std::move(*place);
  return others_idle;
}

H2Pool::Connecting& H2Pool::connecting_to(const exchange::Endpoint& endpoint,
                                          std::chrono::milliseconds timeout) {
  auto& coming = endpoints_[endpoint.id].coming;
  const auto fits = [&](const auto& connecting) {
    return endpoint.announcement == nullptr && connecting->has_room() &&
           connecting->leads_to(endpoint);
  };
  if (const auto found = std::ranges::find_if(coming, fits); found != coming.end()) {
    return **found;
  }
  return *coming.emplace_back(std::make_unique<Connecting>(*this, endpoint, timeout));
}

void H2Pool::connect_for(const exchange::Endpoint& endpoint, std::chrono::milliseconds timeout,
                         WaitingList& waiting) {
  connecting_to(endpoint, timeout).add_all(waiting);
}

std::unique_ptr<H2Pool::Connecting> H2Pool::take_out(Connecting& connecting) {
  auto& coming = endpoints_[connecting.endpoint()].coming;
  const auto found = std::ranges::find(coming, &connecting, &std::unique_ptr<Connecting>::get);
  auto taken = std::move(*found);
  coming.erase(found);
  return taken;
}

H2Connection& H2Pool::adopt(exchange::EndpointId endpoint,
                            std::shared_ptr<const exchange::UpstreamTls> tls,
                            std::unique_ptr<net::Transport> transport) {
  auto& connection = connections_.emplace_back(
      std::make_unique<H2Connection>(loop_, options_, static_cast<H2ConnectionOwner&>(*this),
                                     endpoint, std::move(tls), std::move(transport)));
  connection->index = connections_.size() - 1;
  endpoints_[endpoint].open.push_back(connection.get());
  ++counts_.open;
  ++counts_.idle;
  connection->start();
  return *connection;
}

void H2Pool::retire(exchange::EndpointId endpoint) {
  const auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) {
    return;
  }
  for (auto* connection : found->second.open) {
    connection->retire();
  }
  for (const auto& connecting : found->second.coming) {
    connecting->retire();
  }
}

void H2Pool::on_idle_changed(H2Connection& /*connection*/, bool idle) {
  counts_.idle += idle ? 1 : -1;
}

// Not from inside of the call that gave the stream back. Who waits here comes before who waits
// elsewhere for the whole connection.
void H2Pool::on_room(H2Connection& connection) {
  const bool is_wanted = connection.lent() == 0 && connection.place.is_wanted();
  auto* const wanted = is_wanted ? connection.place.circuit() : nullptr;
  const auto endpoint = connection.endpoint();
  if (wanted == nullptr && !has_line(endpoint)) {
    return;
  }
  loop_.post([this, endpoint, wanted] {
    serve_line(endpoint);
    if (wanted != nullptr && wanted->connections.has_waiting()) {
      close_idle_of(*wanted);
    }
  });
}

bool H2Pool::has_line(exchange::EndpointId endpoint) const {
  const auto found = in_line_ == 0 ? endpoints_.end() : endpoints_.find(endpoint);
  return found != endpoints_.end() &&
         std::ranges::any_of(found->second.coming, [](const auto& c) { return c->is_in_line(); });
}

// Whoever is served may do anything, so that nothing that was looked at is looked at again.
void H2Pool::serve_line(exchange::EndpointId endpoint) {
  while (serve_one_of(endpoint)) {
  }
  if (const auto found = endpoints_.find(endpoint); found != endpoints_.end()) {
    std::erase_if(found->second.coming,
                  [](const auto& coming) { return coming->is_in_line() && coming->is_deserted(); });
  }
}

bool H2Pool::serve_one_of(exchange::EndpointId endpoint) {
  const auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) {
    return false;
  }
  const auto in_line = std::ranges::find_if(
      found->second.coming, [](const auto& coming) { return coming->may_be_served(); });
  return in_line != found->second.coming.end() && (*in_line)->serve_one();
}

bool H2Pool::close_idle_of(const exchange::Circuit& circuit) {
  const auto idle = std::ranges::find_if(connections_, [&circuit](const auto& connection) {
    return connection->lent() == 0 && !connection->is_retired() &&
           connection->place.circuit() == &circuit;
  });
  if (idle == connections_.end()) {
    return false;
  }
  (*idle)->retire();
  return true;
}

void H2Pool::on_closed(H2Connection& connection) {
  const auto at = endpoints_.find(connection.endpoint());
  std::erase(at->second.open, &connection);
  if (at->second.open.empty() && at->second.coming.empty()) {
    endpoints_.erase(at);
  }
  --counts_.open;
  --counts_.idle;
  connection.place = {};
  reaper_.take(exchange::take_out(connections_, connection.index));
}

}  // namespace portico::upstream
