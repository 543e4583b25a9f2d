// The data plane as a whole: the workers, what they serve, and how they end.
#pragma once

#include <atomic>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/checks/health_checks.h"
#include "proxy/exchange/options.h"
#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"
#include "proxy/net/socket_address.h"
#include "proxy/server/access_log.h"
#include "proxy/server/check_news.h"
#include "proxy/server/config_compiler.h"
#include "proxy/server/connection_limits.h"
#include "proxy/server/ejections.h"
#include "proxy/server/memory_gauge.h"
#include "proxy/server/overload.h"
#include "proxy/server/success_judge.h"
#include "proxy/server/worker.h"

namespace portico::server {

struct ServerSetup {
  std::size_t workers = 1;
  ConnectionLimits::Bounds connections;
  std::uint64_t max_memory_bytes = 0;  // 0: the cgroup's limit, if there is one
  net::SocketAddress http;
  net::SocketAddress https;
  exchange::Options options;
  LogFormat access_log = LogFormat::kOff;
  std::string access_log_path;                   // empty: standard output
  std::function<void(const std::string&)> tell;  // a line for the log
};

// Thread:    the controller's, on its loop; collect() may be called from any.
// Lifetime:  destroying it stops and joins the workers, whatever is open.
// Errors:    open() returns one line for the user.
class Server {
 public:
  static std::expected<std::unique_ptr<Server>, std::string> open(net::Loop& control,
                                                                  ServerSetup setup);
  ~Server();

  [[nodiscard]] const net::SocketAddress& http_address() const { return http_; }
  [[nodiscard]] const net::SocketAddress& https_address() const { return https_; }

  // `adopted` is called on the control loop once every worker serves by it. The first one starts
  // the workers: until then clients wait in the listeners' queues.
  void publish(const routing::Snapshot& snapshot, std::move_only_function<void()> adopted);

  // Tells keep-alive clients to close; the listeners stay open.
  void announce_drain();
  // Closes the listeners; `drained` is called on the control loop once nothing is open.
  void drain(std::move_only_function<void()> drained);

  void reopen_access_log();
  // The workers' sum as Prometheus text, put together and given to `take` on `loop`.
  void collect(net::Loop& loop, std::move_only_function<void(std::string)> take);

  // Of the backend by this key, those that are ejected now: "10.0.0.1:80, 10.0.0.2:80".
  [[nodiscard]] std::string ejected_endpoints(std::string_view backend) const;
  // And those whose checks fail, with the reason: "10.0.0.1:80 (status 503)".
  [[nodiscard]] std::string ill_endpoints(std::string_view backend) const;

  [[nodiscard]] const exchange::Config* config() const { return config_.get(); }

 private:
  Server(net::Loop& control, ServerSetup setup);
  std::expected<void, std::string> open_listeners();
  void watch_memory();
  void watch_endpoints();
  void ask_for_tallies();
  void judge_tallies();
  [[nodiscard]] bool started() const { return config_ != nullptr; }

  net::Loop& control_;
  ServerSetup setup_;
  ConnectionLimits limits_;
  WorkerSetup worker_setup_;
  ConfigCompiler compiler_;
  checks::HealthChecks checks_;
  std::shared_ptr<const exchange::Config> config_;  // the last published
  std::unique_ptr<AccessLog> log_;
  std::vector<std::unique_ptr<Worker>> workers_;
  const MemoryGauge memory_;
  Overload overload_;
  std::atomic<std::uint64_t> memory_used_ = 0;  // as last seen; metrics are asked for by any thread
  net::Deadline memory_deadline_;
  Ejections ejections_;
  CheckNews check_news_;
  std::shared_ptr<SuccessJudge> success_judge_ = std::make_shared<SuccessJudge>();
  bool awaits_tallies_ = false;
  std::uint32_t seen_health_changes_ = 0;
  net::Deadline endpoints_deadline_;
  net::SocketAddress http_;
  net::SocketAddress https_;
};

}  // namespace portico::server
