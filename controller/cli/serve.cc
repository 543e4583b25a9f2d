#include "controller/cli/serve.h"

#include <atomic>
#include <csignal>
#include <expected>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/cli/controller.h"
#include "controller/cli/signals.h"
#include "controller/kube/manifest_source.h"
#include "proxy/net/deadline.h"
#include "proxy/net/fd_limit.h"
#include "proxy/server/admin.h"

namespace portico::cli {
namespace {

constexpr int kCannotStart = 2;

// The process, once everything is open.
//
// Life: starting -> ready -> (SIGTERM) not ready, listeners open for the grace period -> draining
// -> ended.
class Process {
 public:
  explicit Process(const ServeOptions& options)
      : options_(options),
        signals_(control_, [this](int signal) { on_signal(signal); }),
        grace_(control_, [this] { drain(); }),
        last_call_(control_, [this] {
          spdlog::warn("work is still open after --worker-shutdown-timeout: closing it");
          control_.stop();
        }) {}

  std::expected<void, std::string> open() {
    auto server = server::Server::open(control_, options_.server);
    if (!server) {
      return std::unexpected(std::move(server.error()));
    }
    server_ = std::move(*server);
    auto admin = server::AdminServer::open(
        options_.admin, [this](const server::AdminRequest& request, server::AdminReply reply) {
          handle_admin(request, std::move(reply));
        });
    if (!admin) {
      return std::unexpected(std::move(admin.error()));
    }
    admin_ = std::move(*admin);
    controller_ =
        std::make_unique<Controller>(options_.translate, *server_, [this] { on_ready(); });
    auto source = kube::ManifestSource::open(
        control_, options_.manifests,
        [this](kube::Batch batch) { controller_->apply(std::move(batch)); });
    if (!source) {
      return std::unexpected(std::move(source.error()));
    }
    source_ = std::move(*source);
    return {};
  }

  void run() {
    admin_->start();
    spdlog::info("listening http {}", server_->http_address().to_string());
    spdlog::info("listening https {}", server_->https_address().to_string());
    spdlog::info("listening admin {}", admin_->address().to_string());
    control_.run();
    admin_.reset();
    source_.reset();
    server_.reset();
  }

 private:
  void on_ready() {
    if (!stopping_) {
      ready_ = true;
      spdlog::info("ready");
    }
  }

  void on_signal(int signal) {
    if (signal == SIGHUP) {
      server_->reopen_access_log();
      return;
    }
    if (std::exchange(stopping_, true)) {
      spdlog::warn("told to stop twice: closing what is open");
      control_.stop();
      return;
    }
    ready_ = false;
    spdlog::info("stopping: not ready; listeners close in {} s",
                 options_.shutdown_grace_period.count());
    server_->announce_drain();
    if (options_.shutdown_grace_period.count() == 0) {
      drain();
    } else {
      grace_.arm(options_.shutdown_grace_period);
    }
  }

  void drain() {
    last_call_.arm(options_.worker_shutdown_timeout);
    server_->drain([this] {
      spdlog::info("drained");
      control_.stop();
    });
  }

  // On the admin thread.
  void handle_admin(const server::AdminRequest& request, server::AdminReply reply) {
    if (request.method != "GET" && request.method != "HEAD") {
      reply({.status = 405, .body = "GET only\n"});
    } else if (request.path == "/healthz") {
      reply({.body = "ok\n"});
    } else if (request.path == "/readyz") {
      reply(ready_ ? server::AdminResponse{.body = "ready\n"}
                   : server::AdminResponse{.status = 503, .body = "not ready\n"});
    } else if (request.path == "/metrics") {
      server_->collect(admin_->loop(), [reply = std::move(reply)](std::string text) mutable {
        reply(
            {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = std::move(text)});
      });
    } else {
      reply({.status = 404, .body = "not found: /healthz, /readyz and /metrics are here\n"});
    }
  }

  const ServeOptions& options_;
  net::Loop control_;
  Signals signals_;
  net::Deadline grace_;
  net::Deadline last_call_;
  std::unique_ptr<server::Server> server_;
  std::unique_ptr<server::AdminServer> admin_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<kube::ManifestSource> source_;
  std::atomic<bool> ready_{false};
  bool stopping_ = false;
};

}  // namespace

int run_serve(const ServeOptions& options) {
  net::raise_fd_limit();
  Process process(options);
  if (const auto opened = process.open(); !opened) {
    fmt::print(stderr, "portico: {}\n", opened.error());
    return kCannotStart;
  }
  process.run();
  return 0;
}

}  // namespace portico::cli
