// One thread that serves: its loop, its listeners, its clients' and backends' connections, its
// counters.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proxy/downstream/connection.h"
#include "proxy/downstream/h2_stream.h"
#include "proxy/downstream/slots.h"
#include "proxy/exchange/context.h"
#include "proxy/exchange/reaper.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/server/doorkeeper.h"
#include "proxy/server/front_door.h"
#include "proxy/server/log_format.h"
#include "proxy/server/log_ring.h"
#include "proxy/server/metrics.h"
#include "proxy/upstream/pool.h"

namespace portico::server {

// What all workers have in common. Outlives them.
struct WorkerSetup {
  const exchange::Options& options;
  net::Loop& control;  // where a Config goes to be freed
  ConnectionLimits& limits;
  LogFormat log_format = LogFormat::kOff;
  std::uint64_t lots = 0;  // where their lots begin: another number in each process
};

// Thread:    between start() and join() everything but adopt(), drain(), stop() and collect()
// belongs to the worker's
//            own thread; those four post to it and may be called from any other.
// Lifetime:  join() before it dies.
class Worker final : private downstream::ConnectionOwner,
                     private FrontDoorOwner,
                     private DoorkeeperOwner,
                     private exchange::Recorder {
 public:
  // `log` is null where the access log is off.
  Worker(std::uint32_t index, const WorkerSetup& setup, LogRing* log);
  ~Worker();

  // Before start(). Returns the address that was bound.
  std::expected<net::SocketAddress, std::string> listen_http(const net::SocketAddress& address);
  std::expected<net::SocketAddress, std::string> listen_https(const net::SocketAddress& address);

  // Serves by `config` from the first connection on.
  void start(std::shared_ptr<const exchange::Config> config);
  void join();

  // New exchanges are born under `config` from then on; `adopted` is called on the worker's thread.
  void adopt(std::shared_ptr<const exchange::Config> config,
             std::move_only_function<void()> adopted);
  // Answers tell clients to close from now on.
  void announce_drain();
  // Empties the accept queues and closes the listeners; `drained` is called once nothing is open.
  void drain(std::move_only_function<void()> drained);
  // Connections to these endpoints are not used again: idle ones close, others when they are free.
  void let_go_of(std::vector<exchange::EndpointId> endpoints);
  // `take` is called on the worker's thread, with what it has counted since it was last asked.
  void take_tallies(std::move_only_function<void(std::vector<exchange::TryTally>)> take);
  // An endpoint of this backend was put out by what all workers have counted.
  void count_put_out(routing::BackendId backend);
  // How short memory is from now on.
  void set_pressure(exchange::Pressure pressure);
  void stop();
  // `take` is called on the worker's thread, with the Config it serves by (null before the first).
  void collect(
      std::move_only_function<void(const Metrics&, std::shared_ptr<const exchange::Config>)> take);

 private:
  std::expected<net::SocketAddress, std::string> listen(const net::SocketAddress& address,
                                                        net::Listener::AcceptHandler on_accept);
  void apply(std::shared_ptr<const exchange::Config> config);
  void begin_drain();
  void report_if_drained();
  bool let_idle_go() override;
  [[nodiscard]] Metrics metrics() const;

  void serve(std::unique_ptr<net::Transport> transport) override;
  void on_arrival_ended() override { report_if_drained(); }
  void serve_h2(std::unique_ptr<net::Transport> transport) override;
  void add(std::unique_ptr<downstream::Connection> connection);
  void on_closed(downstream::Connection& connection) override;
  void record(const exchange::Record& record) override;

  const WorkerSetup& setup_;
  LogRing* log_;
  net::Loop loop_;
  exchange::Reaper reaper_;
  upstream::Pool pool_;
  exchange::Context context_;
  downstream::Slots slots_;
  downstream::H2Streams h2_streams_;
  Metrics metrics_;
  FrontDoor front_door_;
  Doorkeeper doorkeeper_;
  std::string line_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::uint64_t shed_by_closed_listeners_ = 0;
  std::vector<std::unique_ptr<downstream::Connection>> connections_;
  std::size_t looked_at_ = 0;  // in connections_, for idle ones
  std::move_only_function<void()> drained_;
  std::thread thread_;
};

}  // namespace portico::server
