#include "controller/kube/cluster/cluster_source.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "proxy/net/loop.h"

namespace portico::kube {
namespace {

constexpr std::chrono::milliseconds kTurn{1000};

struct Name {
  std::string namespace_;
  std::string name;
};

// "namespace/name", perhaps with ":port" behind.
Name split(const std::string& text) {
  const auto slash = text.find('/');
  const auto colon = text.find(':', slash);
  return {text.substr(0, slash), text.substr(slash + 1, colon - slash - 1)};
}

ObjectKey secret_key(const std::string& key) {
  Name name = split(key);
  return {kind_index<Secret>(), std::move(name.namespace_), std::move(name.name)};
}

ResourceQuery by_name(std::size_t kind, const std::string& key) {
  Name name = split(key);
  return {.kind = kind,
          .namespace_ = std::move(name.namespace_),
          .field_selector = "metadata.name=" + name.name,
          .label_selector = {}};
}

// Without these there is nothing to serve: a replica that can't read them is not ready.
bool is_essential(const Reflector& reflector) {
  const std::size_t kind = reflector.query().kind;
  return kind == kind_index<Ingress>() || kind == kind_index<Namespace>();
}

}  // namespace

ClusterSource::ClusterSource(net::Loop& loop, ApiClient& client, const ClusterScope& scope,
                             BatchHandler handler)
    : loop_(loop),
      client_(client),
      handler_(std::move(handler)),
      random_(std::random_device{}()),
      view_(scope.namespaces),
      turn_(loop, [this] { take_turns(); }),
      alive_(std::make_shared<const char>('\0')) {
  open_main(scope);
  open_elsewhere(scope);
  loop_.post([this, alive = std::weak_ptr<const char>(alive_)] {
    if (alive.expired()) {
      return;
    }
    for (const auto& driver : drivers_) {
      driver->start();
    }
  });
}

ClusterSource::~ClusterSource() = default;

void ClusterSource::open_main(const ClusterScope& scope) {
  using Reach = ClusterView::Reach;
  if (scope.namespaces.has_value()) {
    open({.kind = kind_index<Namespace>()}, Reach::kSelected);
  }
  open({.kind = kind_index<IngressClass>()}, Reach::kSelected);
  for (const std::size_t kind :
       {kind_index<Ingress>(), kind_index<Service>(), kind_index<EndpointSlice>()}) {
    open({.kind = kind, .namespace_ = scope.namespace_}, Reach::kSelected);
  }
  tls_secrets_ = &open({.kind = kind_index<Secret>(),
                        .namespace_ = scope.namespace_,
                        .field_selector = "type=kubernetes.io/tls"},
                       Reach::kSelected);
}

// What is read by its name, wherever the scope ends.
void ClusterSource::open_elsewhere(const ClusterScope& scope) {
  using Reach = ClusterView::Reach;
  if (!scope.config_map.empty()) {
    open(by_name(kind_index<ConfigMap>(), scope.config_map), Reach::kEverywhere);
  }
  if (!scope.default_certificate.empty()) {
    open(by_name(kind_index<Secret>(), scope.default_certificate), Reach::kEverywhere);
  }
  if (!scope.ticket_keys.empty() && scope.ticket_keys != scope.default_certificate) {
    open(by_name(kind_index<Secret>(), scope.ticket_keys), Reach::kEverywhere);
  }
  const auto is_outside = [&](const std::string& key) {
    const bool other = !scope.namespace_.empty() && split(key).namespace_ != scope.namespace_;
    return !key.empty() && (other || scope.namespaces.has_value());
  };
  if (is_outside(scope.publish_service)) {
    open(by_name(kind_index<Service>(), scope.publish_service), Reach::kEverywhere);
  }
  if (is_outside(scope.default_backend_service)) {
    const auto [space, name] = split(scope.default_backend_service);
    open(by_name(kind_index<Service>(), scope.default_backend_service), Reach::kEverywhere);
    open({.kind = kind_index<EndpointSlice>(),
          .namespace_ = space,
          .field_selector = {},
          .label_selector = "kubernetes.io/service-name=" + name},
         Reach::kEverywhere);
  }
}

ReflectorDriver& ClusterSource::open(ResourceQuery query, ClusterView::Reach reach) {
  return *drivers_.emplace_back(make_driver(std::move(query), reach));
}

std::unique_ptr<ReflectorDriver> ClusterSource::make_driver(ResourceQuery query,
                                                            ClusterView::Reach reach) {
  auto driver = std::make_unique<ReflectorDriver>(loop_, client_, std::move(query),
                                                  static_cast<std::uint32_t>(random_()),
                                                  [this](Reflector& stepped) { on_step(stepped); });
  view_.add(driver->reflector(), reach);
  return driver;
}

void ClusterSource::on_step(Reflector& reflector) {
  const auto changes = reflector.take_changes();
  view_.take(reflector, changes);
  if (&reflector == &tls_secrets_->reflector()) {
    note_tls_secrets(changes);
  }
  findings_changed_ = reflector.take_findings_changed() || findings_changed_;
  if (stage_ != Stage::kSynced || findings_changed_ || view_.has_changes()) {
    flush_soon();
  }
  watch_health(reflector);
}

void ClusterSource::note_tls_secrets(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    secrets_.set_held(change.key.namespace_ + "/" + change.key.name, change.object != nullptr);
  }
}

void ClusterSource::watch_health(const Reflector& reflector) {
  const auto notice = outage_.observe(reflector, loop_.now());
  if (outage_.recovered()) {
    nudge_others(reflector);
  }
  if (!notice) {
    return;
  }
  if (notice->is_lost) {
    spdlog::warn("no news from the API server: {}; what serves keeps serving", notice->reason);
  } else {
    spdlog::info("the API server {} answers again after {} s", client_.server(),
                 notice->lasted.count());
  }
}

// The server is there: those that wait because it was not need wait no longer.
void ClusterSource::nudge_others(const Reflector& recovered) {
  loop_.post([this, &recovered, alive = std::weak_ptr<const char>(alive_)] {
    if (alive.expired()) {
      return;
    }
    for (const auto& other : drivers_) {
      if (&other->reflector() != &recovered) {
        other->nudge();
      }
    }
    for (const auto& [key, other] : named_) {
      other->nudge();
    }
  });
}

bool ClusterSource::holds_tls_secret(const std::string& key) const {
  return tls_secrets_->reflector().objects().find(secret_key(key)) != nullptr;
}

void ClusterSource::use_secrets(std::span<const SecretUse> uses) {
  // An Ingress that changed first leaves its Secrets and then takes them up again.
  std::map<std::string, bool> last;
  for (const SecretUse& use : uses) {
    last.insert_or_assign(use.key, use.used);
  }
  for (const auto& [key, used] : last) {
    if (used) {
      secrets_.want(key, holds_tls_secret(key));
    } else {
      secrets_.forget(key);
    }
  }
  if (!last.empty()) {
    flush_soon();
  }
}

// Reads those Secrets by name that are to be read so.
void ClusterSource::match_named() {
  const auto& wanted = secrets_.read();
  for (auto it = named_.begin(); it != named_.end();) {
    if (wanted.contains(it->first)) {
      ++it;
      continue;
    }
    outage_.forget(it->second->reflector());
    view_.remove(it->second->reflector());
    add_gone(gone_, it->second->reflector());
    it = named_.erase(it);
  }
  for (const std::string& key : wanted) {
    if (!named_.contains(key)) {
      auto& driver = named_[key] =
          make_driver(by_name(kind_index<Secret>(), key), ClusterView::Reach::kSelected);
      driver->start();
    }
  }
  const bool too_many = !secrets_.waiting().empty();
  findings_changed_ = findings_changed_ || too_many != std::exchange(too_many_named_, too_many);
  if (too_many && !turn_.armed()) {
    turn_.arm(kTurn);
  }
}

void ClusterSource::take_turns() {
  secrets_.take_turns([this](const std::string& key) {
    const auto found = named_.find(key);
    return found != named_.end() && found->second->reflector().has_listed() &&
           found->second->reflector().objects().size() == 0;
  });
  flush_soon();
}

// Behind what the loop has found readable by now: it belongs to the same batch.
void ClusterSource::flush_soon() {
  if (std::exchange(flush_posted_, true)) {
    return;
  }
  loop_.post([this, alive = std::weak_ptr<const char>(alive_)] {
    if (!alive.expired()) {
      flush();
    }
  });
}

void ClusterSource::flush() {
  flush_posted_ = false;
  const std::weak_ptr<const char> alive = alive_;
  if (stage_ == Stage::kListing) {
    if (!all_listed()) {
      if (findings_changed_) {
        tell(false);
      }
      return;
    }
    stage_ = Stage::kNaming;
    tell(false);
    if (alive.expired()) {
      return;
    }
  }
  match_named();
  if (stage_ == Stage::kNaming) {
    if (!all_named()) {
      return;
    }
    stage_ = Stage::kSynced;
    tell(true);
  } else if (view_.has_changes() || findings_changed_) {
    tell(true);
  }
}

// Last in whoever calls it, or followed by a look at alive_: the handler may destroy this.
void ClusterSource::tell(bool synced) {
  Batch batch;
  if (stage_ != Stage::kListing) {
    batch.changes = view_.take_changes();
  }
  batch.diagnostics_changed = std::exchange(findings_changed_, false);
  if (batch.diagnostics_changed) {
    batch.diagnostics = findings();
  }
  batch.synced = synced;
  handler_(std::move(batch));
}

bool ClusterSource::all_listed() const {
  return std::ranges::all_of(drivers_, [](const auto& driver) {
    const Reflector& reflector = driver->reflector();
    return reflector.has_listed() || (reflector.is_denied() && !is_essential(reflector));
  });
}

// One that gives trouble is not waited for: it holds up its own host only.
bool ClusterSource::all_named() const {
  return std::ranges::all_of(named_, [](const auto& named) {
    const Reflector& reflector = named.second->reflector();
    return reflector.has_listed() || reflector.is_denied() || reflector.failures() > 0;
  });
}

ClusterFigures ClusterSource::figures() const {
  ClusterFigures figures = gone_;
  for (const auto& driver : drivers_) {
    add(figures, driver->reflector());
  }
  for (const auto& [key, driver] : named_) {
    add(figures, driver->reflector());
  }
  return figures;
}

routing::Diagnostics ClusterSource::findings() const {
  routing::Diagnostics all;
  const auto add = [&all](const ReflectorDriver& driver) {
    for (auto& found : driver.reflector().findings()) {
      if (std::ranges::find(all, found) == all.end()) {
        all.push_back(std::move(found));
      }
    }
  };
  for (const auto& driver : drivers_) {
    add(*driver);
  }
  for (const auto& [key, driver] : named_) {
    add(*driver);
  }
  if (!secrets_.waiting().empty()) {
    all.push_back({.severity = routing::Severity::kWarning,
                   .message = fmt::format("more than {} Secrets that Ingresses name are missing or "
                                          "not of type kubernetes.io/tls: they are read in turn, "
                                          "and count as missing until then",
                                          NamedSecrets::kMostRead),
                   .fix = "give those with a certificate that type, and let Ingresses of a "
                          "namespace share one with authorities"});
  }
  return all;
}

}  // namespace portico::kube
