#include "proxy/server/server.h"

#include <malloc.h>
#include <mutex>
#include <random>
#include <utility>

#include "proxy/server/check_metrics.h"
#include "tls/self_signed.h"
#include "tls/ticket_keys.h"

namespace portico::server {
namespace {

// Called once by each of `count` threads; the last one's call runs `done` on `loop`.
class Countdown {
 public:
  Countdown(std::size_t count, net::Loop& loop, std::move_only_function<void()> done)
      : left_(count), loop_(loop), done_(std::move(done)) {}

  void arrive() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      loop_.post(std::move(done_));
    }
  }

 private:
  std::atomic<std::size_t> left_;
  net::Loop& loop_;
  std::move_only_function<void()> done_;
};

// The workers' counters as they come in.
struct Collection {
  std::mutex mutex;
  Metrics total;
  std::shared_ptr<const exchange::Config> config;
  std::move_only_function<void(std::string)> take;
};

}  // namespace

std::expected<std::unique_ptr<Server>, std::string> Server::open(net::Loop& control,
                                                                 ServerSetup setup) {
  auto server = std::unique_ptr<Server>(new Server(control, std::move(setup)));
  if (server->setup_.access_log != LogFormat::kOff) {
    auto log = AccessLog::open(server->setup_.access_log, server->setup_.access_log_path,
                               server->setup_.workers);
    if (!log) {
      return std::unexpected(std::move(log.error()));
    }
    server->log_ = std::move(*log);
  }
  for (std::size_t i = 0; i < server->setup_.workers; ++i) {
    auto* const ring = server->log_ == nullptr ? nullptr : &server->log_->ring(i);
    server->workers_.push_back(
        std::make_unique<Worker>(static_cast<std::uint32_t>(i), server->worker_setup_, ring));
  }
  if (auto opened = server->open_listeners(); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  return server;
}

Server::Server(net::Loop& control, ServerSetup setup)
    : control_(control),
      setup_(std::move(setup)),
      limits_(setup_.connections),
      worker_setup_{.options = setup_.options,
                    .control = control_,
                    .limits = limits_,
                    .log_format = setup_.access_log,
                    .lots = std::uint64_t{std::random_device()()} << 32},
      compiler_(tls::make_self_signed(),
                TlsCompiler({.alpn = {"h2", "http/1.1"}}, std::make_shared<tls::TicketKeys>())),
      checks_(setup_.options),
      memory_(setup_.max_memory_bytes),
      overload_(memory_.limit_bytes()),
      memory_deadline_(control_, [this] { watch_memory(); }),
      endpoints_deadline_(control_, [this] { watch_endpoints(); }) {}

Server::~Server() {
  for (auto& worker : workers_) {
    worker->stop();
  }
  for (auto& worker : workers_) {
    worker->join();
  }
}

// The first worker finds the port where none was asked for; the others share it.
std::expected<void, std::string> Server::open_listeners() {
  http_ = setup_.http;
  https_ = setup_.https;
  for (const auto& address : {http_, https_}) {
    if (auto free = net::probe_address(address); address.port() != 0 && !free) {
      return free;
    }
  }
  for (auto& worker : workers_) {
    auto http = worker->listen_http(http_);
    if (!http) {
      return std::unexpected(std::move(http.error()));
    }
    http_ = *http;
    auto https = worker->listen_https(https_);
    if (!https) {
      return std::unexpected(std::move(https.error()));
    }
    https_ = *https;
  }
  return {};
}

void Server::publish(const routing::Snapshot& snapshot, std::move_only_function<void()> adopted) {
  const bool first = !started();
  config_ = compiler_.compile(snapshot);
  checks_.follow(*config_);
  if (first) {
    for (auto& worker : workers_) {
      worker->start(config_);
    }
    if (overload_.limit_bytes() != 0) {
      watch_memory();
    }
    watch_endpoints();
    control_.post(std::move(adopted));
    return;
  }
  auto all = std::make_shared<Countdown>(workers_.size(), control_, std::move(adopted));
  for (auto& worker : workers_) {
    worker->adopt(config_, [all] { all->arrive(); });
  }
}

void Server::watch_memory() {
  constexpr std::chrono::milliseconds kEach{100};
  memory_deadline_.arm(kEach);
  const auto used = memory_.used_bytes();
  memory_used_.store(used, std::memory_order_relaxed);
  const auto before = overload_.pressure();
  const auto now = overload_.judge(used);
  if (now == before) {
    return;
  }
  for (auto& worker : workers_) {
    worker->set_pressure(now);
  }
  if (now > before) {
    malloc_trim(0);  // what was freed may be kept by the allocator only
  }
}

void Server::watch_endpoints() {
  constexpr std::chrono::milliseconds kEach{500};
  endpoints_deadline_.arm(kEach);
  ask_for_tallies();
  const auto changes = compiler_.health().changes();
  if (std::exchange(seen_health_changes_, changes) == changes) {
    return;
  }
  auto news = ejections_.look(*config_);
  check_news_.look(*config_, checks_.book(), news);
  if (!news.ejected.empty()) {
    for (auto& worker : workers_) {
      worker->let_go_of(news.ejected);
    }
  }
  for (const auto& line : news.lines) {
    if (setup_.tell) {
      setup_.tell(line);
    }
  }
}

// Judged once the last worker has told: a worker that is busy for longer is waited for. What is
// posted may come when the Server is gone: the judge is, too, then.
void Server::ask_for_tallies() {
  if (std::exchange(awaits_tallies_, true)) {
    return;
  }
  const auto all = std::make_shared<Countdown>(workers_.size(), control_,
                                               [this, alive = std::weak_ptr(success_judge_)] {
                                                 if (!alive.expired()) {
                                                   judge_tallies();
                                                 }
                                               });
  for (auto& worker : workers_) {
    worker->take_tallies([judging = std::weak_ptr(success_judge_), all,
                          &control = control_](std::vector<exchange::TryTally> tallies) {
      control.post([judging, all, tallies = std::move(tallies)] {
        if (const auto judge = judging.lock()) {
          judge->add(tallies);
        }
        all->arrive();
      });
    });
  }
}

void Server::judge_tallies() {
  awaits_tallies_ = false;
  for (auto& verdict : success_judge_->look(*config_, exchange::EndpointHealth::Clock::now())) {
    ejections_.note(verdict.endpoint, std::move(verdict.why));
    workers_.front()->count_put_out(verdict.backend);
  }
}

std::string Server::ejected_endpoints(std::string_view backend) const {
  return started() ? server::ejected_endpoints(*config_, backend) : std::string();
}

std::string Server::ill_endpoints(std::string_view backend) const {
  return started() ? server::ill_endpoints(*config_, checks_.book(), backend) : std::string();
}

void Server::announce_drain() {
  for (auto& worker : workers_) {
    worker->announce_drain();
  }
}

void Server::drain(std::move_only_function<void()> drained) {
  if (!started()) {
    control_.post(std::move(drained));
    return;
  }
  auto all = std::make_shared<Countdown>(workers_.size(), control_, std::move(drained));
  for (auto& worker : workers_) {
    worker->drain([all] { all->arrive(); });
  }
}

void Server::reopen_access_log() {
  if (log_ != nullptr) {
    log_->reopen();
  }
}

void Server::collect(net::Loop& loop, std::move_only_function<void(std::string)> take) {
  auto collection = std::make_shared<Collection>();
  collection->take = std::move(take);
  collection->total.dropped_log_lines = log_ == nullptr ? 0 : log_->lost_lines();
  collection->total.connection_limit = setup_.connections.total;
  collection->total.memory_limit_bytes = overload_.limit_bytes();
  collection->total.memory_used_bytes = memory_used_.load(std::memory_order_relaxed);
  const auto finish = [collection, workers = workers_.size(), &book = checks_.book()] {
    static const exchange::Config kNone;
    const auto& config = collection->config == nullptr ? kNone : *collection->config;
    collection->take(
        to_prometheus_text(collection->total, config, workers, std::chrono::steady_clock::now()) +
        check_metrics(config, book));
  };
  auto all = std::make_shared<Countdown>(workers_.size(), loop, finish);
  for (auto& worker : workers_) {
    worker->collect(
        [all, collection](const Metrics& metrics, std::shared_ptr<const exchange::Config> config) {
          {
            const std::scoped_lock lock(collection->mutex);
            collection->total.add(metrics);
            collection->config = std::move(config);
          }
          all->arrive();
        });
  }
}

}  // namespace portico::server
