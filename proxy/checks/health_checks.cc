#include "proxy/checks/health_checks.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/checks/checker.h"
#include "proxy/net/loop.h"

namespace portico::checks {
namespace {

bool asks_for_checks(const exchange::Backend& backend) {
  const auto* const balance = backend.spec->balance.get();
  return balance != nullptr && balance->health_check.has_value();
}

std::shared_ptr<const exchange::UpstreamTls> share(const exchange::UpstreamTls* tls) {
  return tls == nullptr ? nullptr : tls->shared_from_this();
}

void add(BackendChecks& checks, const std::vector<exchange::Endpoint>& endpoints,
         const std::string& namespace_, const routing::HealthCheckSpec& spec) {
  for (const auto& endpoint : endpoints) {
    if (endpoint.health != nullptr) {
      checks.endpoints.push_back(
          {.target = {.namespace_ = namespace_,
                      .address =
                          spec.port == 0 ? endpoint.address : endpoint.address.with_port(spec.port),
                      .protocol = endpoint.protocol,
                      .tls = share(endpoint.tls),
                      .spec = spec},
           .health = endpoint.health});
    }
  }
}

BackendChecks checks_of(routing::BackendId id, const exchange::Backend* backend) {
  BackendChecks checks{.backend = id, .is_checked = false, .name = {}, .endpoints = {}};
  if (backend == nullptr || !asks_for_checks(*backend)) {
    return checks;
  }
  const auto& spec = *backend->spec;
  checks.is_checked = true;
  checks.name = {.namespace_ = spec.namespace_, .service = spec.service, .port = spec.port};
  add(checks, backend->endpoints, spec.namespace_, *spec.balance->health_check);
  add(checks, backend->tls_endpoints, spec.namespace_, *spec.balance->health_check);
  return checks;
}

}  // namespace

class HealthChecks::Running {
 public:
  Running(const exchange::Options& options, CheckBook& book)
      : checker_(loop_, options, book), thread_([this] { loop_.run(); }) {}
  ~Running() {
    loop_.stop();
    thread_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void apply(std::vector<BackendChecks> changes) {
    loop_.post([this, changes = std::move(changes)] { checker_.apply(changes); });
  }

 private:
  net::Loop loop_;
  Checker checker_;
  std::thread thread_;
};

HealthChecks::HealthChecks(const exchange::Options& options) : options_(options) {}
HealthChecks::~HealthChecks() = default;

void HealthChecks::follow(const exchange::Config& config) {
  using Pointer = std::shared_ptr<const exchange::Backend>;
  std::vector<BackendChecks> changes;
  routing::SharedVector<exchange::Backend>::diff(
      seen_, config.backends,
      [&changes](std::size_t id, const Pointer* before, const Pointer* after) {
        const bool was_checked = before != nullptr && asks_for_checks(**before);
        const bool is_checked = after != nullptr && asks_for_checks(**after);
        if (was_checked || is_checked) {
          changes.push_back(checks_of(routing::BackendId{static_cast<std::uint32_t>(id)},
                                      after == nullptr ? nullptr : after->get()));
        }
      });
  seen_ = config.backends;
  if (changes.empty()) {
    return;
  }
  if (running_ == nullptr) {
    running_ = std::make_unique<Running>(options_, book_);
  }
  running_->apply(std::move(changes));
}

}  // namespace portico::checks
