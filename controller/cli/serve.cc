#include "controller/cli/serve.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/cli/controller.h"
#include "controller/cli/explanation.h"
#include "controller/cli/finding_line.h"
#include "controller/cli/signals.h"
#include "controller/cli/url_encoding.h"
#include "controller/kube/api/client.h"
#include "controller/kube/api/connect.h"
#include "controller/kube/cluster/cluster_source.h"
#include "controller/kube/dns_resolver.h"
#include "controller/kube/manifest_source.h"
#include "controller/status/status_controller.h"
#include "proxy/net/deadline.h"
#include "proxy/net/fd_limit.h"
#include "proxy/server/admin.h"

namespace portico::cli {
namespace {

constexpr int kCannotStart = 2;
// In Events; not --controller-class, which may be another program's.
constexpr const char* kReporter = "portico.dev/ingress-controller";

// The process, once everything is open.
//
// Life: starting -> ready -> (SIGTERM) not ready, listeners open for the grace period -> draining
// -> ended. Statuses are taken back and the Lease is released beside the last three.
class Process {
 public:
  explicit Process(const ServeOptions& options)
      : options_(options),
        signals_([this](int signal) { on_signal(signal); }),
        grace_(control_, [this] { drain(); }),
        last_call_(control_, [this] {
          spdlog::warn("work is still open after --worker-shutdown-timeout: closing it");
          control_.stop();
        }) {}

  std::expected<void, std::string> open() {
    if (auto opened = open_api(); !opened) {
      return opened;
    }
    auto setup = options_.server;
    setup.tell = [](const std::string& line) { spdlog::info("{}", line); };
    auto server = server::Server::open(control_, std::move(setup));
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
    open_controller();
    return open_source();
  }

  void run() {
    admin_->start();
    spdlog::info("listening http {}", server_->http_address().to_string());
    spdlog::info("listening https {}", server_->https_address().to_string());
    spdlog::info("listening admin {}", admin_->address().to_string());
    control_.run();
    admin_.reset();
    status_.reset();
    manifests_.reset();
    cluster_.reset();
    server_.reset();
  }

 private:
  // Speaks to nobody yet: an API server that is away is waited for.
  std::expected<void, std::string> open_api() {
    if (!options_.manifests.empty()) {
      return {};
    }
    auto access = kube::find_api_access(options_.access);
    if (!access) {
      const bool meant = !options_.access.kubeconfig.empty();
      return std::unexpected(access.error() + (meant ? "" : " (or give --manifests PATH)"));
    }
    spdlog::info("reading the cluster of {} by {}", access->server, access->origin);
    auto client = kube::open_api_client(control_, *access);
    if (!client) {
      return std::unexpected(std::move(client.error()));
    }
    api_ = std::move(*client);
    return {};
  }

  std::expected<void, std::string> open_source() {
    auto apply = [this](kube::Batch batch) {
      const auto begun = std::chrono::steady_clock::now();
      controller_->apply(std::move(batch));
      applying_ += std::chrono::steady_clock::now() - begun;
      ++applied_;
      const auto secrets = controller_->take_secret_uses();
      if (cluster_ != nullptr) {
        cluster_->use_secrets(secrets);
      }
    };
    if (api_ != nullptr) {
      auto options = options_.status;
      status::read_environment(options);
      status_ = std::make_unique<status::StatusController>(
          control_, *api_, controller_->translator(), std::move(options), kReporter);
      cluster_ = std::make_unique<kube::ClusterSource>(control_, *api_, options_.scope, apply);
      return {};
    }
    auto source = kube::ManifestSource::open(control_, options_.manifests, apply);
    if (!source) {
      return std::unexpected("--manifests: " + source.error());
    }
    manifests_ = std::move(*source);
    return {};
  }

  void open_controller() {
    std::unique_ptr<kube::DnsResolver> resolver;
    if (auto opened = kube::DnsResolver::open(control_, dns_options())) {
      resolver = std::move(*opened);
    } else {
      spdlog::warn("Services of type ExternalName answer 503: no DNS: {}", opened.error());
    }
    controller_ = std::make_unique<Controller>(
        options_.translate, std::move(resolver),
        [this](const routing::Snapshot& snapshot, std::move_only_function<void()> adopted) {
          serving_ = true;
          server_->publish(snapshot, std::move(adopted));
        },
        [this] { on_ready(); },
        [this](std::span<const kube::Change> changes, const routing::Diagnostics& raised) {
          if (status_ != nullptr) {
            status_->on_change(changes, raised);
          }
        });
  }

  void on_ready() {
    if (!stopping_) {
      ready_ = true;
      spdlog::info("ready");
      if (status_ != nullptr) {
        status_->start();
      }
    }
  }

  // On the signals' thread: the loop may be busy reading manifests for a while.
  void on_signal(int signal) {
    if (signal != SIGHUP && !serving_) {
      spdlog::info("stopping: nothing was served yet");
      std::_Exit(0);
    }
    control_.post([this, signal] {
      if (signal == SIGHUP) {
        server_->reopen_access_log();
      } else {
        stop();
      }
    });
  }

  void stop() {
    if (std::exchange(stopping_, true)) {
      spdlog::warn("told to stop twice: closing what is open");
      control_.stop();
      return;
    }
    ready_ = false;
    spdlog::info("stopping: not ready; listeners close in {} s",
                 options_.shutdown_grace_period.count());
    if (status_ != nullptr) {
      writing_ = true;
      status_->stop([this] {
        writing_ = false;
        end_if_done();
      });
    }
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
      drained_ = true;
      end_if_done();
    });
  }

  void end_if_done() {
    if (drained_ && !writing_) {
      control_.stop();
    }
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
      server_->collect(admin_->loop(), [this, reply = std::move(reply)](std::string text) mutable {
        control_.post([this, reply = std::move(reply), text = std::move(text)]() mutable {
          reply({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                 .body = text + controller_metrics()});
        });
      });
    } else if (request.path == "/explain") {
      handle_explain(request, std::move(reply));
    } else {
      reply({.status = 404,
             .body = "not found: /healthz, /readyz, /metrics and /explain?url= are here\n"});
    }
  }

  std::string controller_metrics() const {
    auto text = fmt::format(
        "# HELP portico_changes_seconds Taking up changes of objects: translating and compiling.\n"
        "# TYPE portico_changes_seconds summary\n"
        "portico_changes_seconds_sum {:.6f}\nportico_changes_seconds_count {}\n",
        std::chrono::duration<double>(applying_).count(), applied_);
    if (cluster_ != nullptr) {
      text +=
          kube::to_metrics(cluster_->figures(), control_.now(), std::chrono::system_clock::now());
      text += fmt::format(
          "# HELP portico_leader Whether this replica writes status and Events.\n"
          "# TYPE portico_leader gauge\nportico_leader {}\n",
          status_->leads() ? 1 : 0);
    }
    return text;
  }

  // 200: a rule serves it; 404: none does, and the body says why.
  void handle_explain(const server::AdminRequest& request, server::AdminReply reply) {
    const auto text = query_value(request.query, "url");
    if (!text) {
      reply({.status = 400, .body = "the URL, percent-encoded, is missing: /explain?url=\n"});
      return;
    }
    auto url = ExplainUrl::parse(*text);
    if (!url) {
      reply({.status = 400, .body = one_line("no URL to explain: " + url.error()) + "\n"});
      return;
    }
    if (!serving_) {
      reply({.status = 503, .body = "not everything has been read yet\n"});
      return;
    }
    control_.post([this, url = std::move(*url), reply = std::move(reply)]() mutable {
      auto explanation = explain(
          url, controller_->translator(), controller_->findings(),
          [this](std::string_view backend) { return server_->ejected_endpoints(backend); },
          [this](std::string_view backend) { return server_->ill_endpoints(backend); });
      reply({.status = static_cast<std::uint16_t>(explanation.is_served ? 200 : 404),
             .body = std::move(explanation.text)});
    });
  }

  const ServeOptions& options_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> serving_{false};  // a Config was published
  net::Loop control_;
  Signals signals_;
  net::Deadline grace_;
  net::Deadline last_call_;
  std::unique_ptr<server::Server> server_;
  std::unique_ptr<server::AdminServer> admin_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<kube::ManifestSource> manifests_;  // this,
  std::unique_ptr<kube::ApiClient> api_;             // or these two
  std::unique_ptr<kube::ClusterSource> cluster_;
  std::unique_ptr<status::StatusController> status_;  // with api_
  bool stopping_ = false;
  bool writing_ = false;  // the last words to the API server
  bool drained_ = false;
  std::chrono::steady_clock::duration applying_{0};
  std::uint64_t applied_ = 0;  // batches
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
