#include "proxy/server/worker.h"

#include <algorithm>
#include <utility>

#include <boost/smart_ptr/make_local_shared.hpp>

#include "proxy/downstream/h1_connection.h"
#include "proxy/downstream/h2_connection.h"
#include "proxy/exchange/take_out.h"

namespace portico::server {
namespace {

constexpr std::uint32_t kSeedStep = 0x9E3779B9;  // spreads the workers' first endpoints

}  // namespace

Worker::Worker(std::uint32_t index, const WorkerSetup& setup, LogRing* log)
    : setup_(setup),
      log_(log),
      reaper_(loop_),
      pool_(loop_, setup.options, reaper_),
      context_{.loop = loop_,
               .options = setup.options,
               .upstreams = pool_,
               .recorder = *this,
               .balancers = exchange::Balancers(index * kSeedStep,
                                                setup.lots + std::uint64_t{index} * kSeedStep),
               .request_ids = {},
               .date = {},
               .config = {},
               .pinned = {}},
      slots_(context_, reaper_),
      h2_streams_(context_, reaper_),
      front_door_(context_, reaper_, metrics_, *this),
      doorkeeper_(setup.limits, context_, metrics_.refused, *this) {}

// What dies gives its Slot back, so the Slots must still be there; a Slot may go to the reaper in
// turn.
Worker::~Worker() {
  connections_.clear();
  reaper_.free_all();
}

std::expected<net::SocketAddress, std::string> Worker::listen_http(
    const net::SocketAddress& address) {
  return listen(address, [this](net::AcceptedSocket socket) {
    if (doorkeeper_.admit(socket, Doorkeeper::Speaks::kHttp)) {
      front_door_.enter_http(std::move(socket));
    }
  });
}

std::expected<net::SocketAddress, std::string> Worker::listen_https(
    const net::SocketAddress& address) {
  return listen(address, [this](net::AcceptedSocket socket) {
    if (doorkeeper_.admit(socket, Doorkeeper::Speaks::kTls)) {
      front_door_.enter_https(std::move(socket));
    }
  });
}

std::expected<net::SocketAddress, std::string> Worker::listen(
    const net::SocketAddress& address, net::Listener::AcceptHandler on_accept) {
  auto listener = net::Listener::open(loop_, address, std::move(on_accept));
  if (!listener) {
    return std::unexpected(std::move(listener.error()));
  }
  const auto bound = (*listener)->local_address();
  listeners_.push_back(std::move(*listener));
  return bound;
}

void Worker::start(std::shared_ptr<const exchange::Config> config) {
  apply(std::move(config));
  thread_ = std::thread([this] { loop_.run(); });
}

void Worker::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

// ---- connections

void Worker::serve(std::unique_ptr<net::Transport> transport) {
  const auto* const tls = transport->info().tls;
  if (tls != nullptr && tls->alpn == "h2") {
    serve_h2(std::move(transport));
    return;
  }
  add(std::make_unique<downstream::H1Connection>(
      context_, slots_, static_cast<downstream::ConnectionOwner&>(*this), std::move(transport)));
}

void Worker::serve_h2(std::unique_ptr<net::Transport> transport) {
  add(std::make_unique<downstream::H2Connection>(
      h2_streams_, static_cast<downstream::ConnectionOwner&>(*this), std::move(transport)));
}

void Worker::add(std::unique_ptr<downstream::Connection> connection) {
  connection->index = connections_.size();
  connections_.push_back(std::move(connection));
  connections_.back()->start();
}

void Worker::on_closed(downstream::Connection& connection) {
  reaper_.take(exchange::take_out(connections_, connection.index));
  report_if_drained();
}

// ---- what the controller asks for

void Worker::adopt(std::shared_ptr<const exchange::Config> config,
                   std::move_only_function<void()> adopted) {
  loop_.post([this, config = std::move(config), adopted = std::move(adopted)]() mutable {
    apply(std::move(config));
    adopted();
  });
}

void Worker::apply(std::shared_ptr<const exchange::Config> config) {
  const auto& next = *config;
  context_.adopt(
      boost::make_local_shared<const exchange::ConfigPin>(std::move(config), setup_.control));
  for (const auto endpoint : next.retired_endpoints) {
    pool_.retire(endpoint);
    context_.balancers.forget(endpoint);
    context_.tallies.forget(endpoint);
  }
  for (const auto backend : next.retired_backends) {
    metrics_.retire(backend);
  }
}

void Worker::announce_drain() {
  loop_.post([this] { context_.draining = true; });
}

void Worker::drain(std::move_only_function<void()> drained) {
  loop_.post([this, drained = std::move(drained)]() mutable {
    drained_ = std::move(drained);
    begin_drain();
  });
}

void Worker::begin_drain() {
  context_.draining = true;
  for (auto& listener : listeners_) {
    listener->stop_accepting();
    shed_by_closed_listeners_ += listener->shed_count();
  }
  listeners_.clear();
  // Closing one moves the last into its place.
  for (std::size_t i = connections_.size(); i-- > 0;) {
    connections_[i]->drain();
  }
  report_if_drained();
}

void Worker::report_if_drained() {
  if (drained_ && connections_.empty() && front_door_.empty()) {
    std::exchange(drained_, nullptr)();
  }
}

void Worker::let_go_of(std::vector<exchange::EndpointId> endpoints) {
  loop_.post([this, endpoints = std::move(endpoints)] {
    for (const auto endpoint : endpoints) {
      pool_.retire(endpoint);
    }
  });
}

void Worker::take_tallies(std::move_only_function<void(std::vector<exchange::TryTally>)> take) {
  loop_.post([this, take = std::move(take)]() mutable { take(context_.tallies.take()); });
}

void Worker::count_put_out(routing::BackendId backend) {
  loop_.post([this, backend] { metrics_.count_put_out(backend); });
}

void Worker::set_pressure(exchange::Pressure pressure) {
  loop_.post([this, pressure] {
    context_.set_pressure(pressure);
    if (pressure == exchange::Pressure::kNone) {
      return;
    }
    for (std::size_t i = connections_.size(); i-- > 0;) {
      connections_[i]->close_if_idle();
    }
  });
}

// Looks at some only, from where it ended last time.
bool Worker::let_idle_go() {
  constexpr std::size_t kAtOnce = 64;
  for (auto left = std::min(connections_.size(), kAtOnce); left > 0; --left) {
    looked_at_ = (looked_at_ + 1) % connections_.size();
    if (connections_[looked_at_]->close_if_idle()) {
      return true;
    }
  }
  return false;
}

void Worker::stop() {
  loop_.stop();
}

void Worker::collect(
    std::move_only_function<void(const Metrics&, std::shared_ptr<const exchange::Config>)> take) {
  loop_.post([this, take = std::move(take)]() mutable {
    take(metrics(), context_.config == nullptr ? nullptr : context_.config->share());
  });
}

Metrics Worker::metrics() const {
  auto metrics = metrics_;
  metrics.open_connections = connections_.size();
  metrics.open_tunnels = front_door_.tunnel_count();
  metrics.pool = pool_.counts();
  metrics.shed_connections = shed_by_closed_listeners_;
  for (const auto& listener : listeners_) {
    metrics.shed_connections += listener->shed_count();
  }
  return metrics;
}

void Worker::record(const exchange::Record& record) {
  metrics_.count(record);
  if (log_ == nullptr) {
    return;
  }
  line_.clear();
  const auto now = std::chrono::system_clock::now();
  if (setup_.log_format == LogFormat::kJson) {
    append_json_line(line_, record, now);
  } else {
    append_nginx_line(line_, record, now);
  }
  if (!log_->push(line_)) {
    ++metrics_.dropped_log_lines;
  }
}

}  // namespace portico::server
