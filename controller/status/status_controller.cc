#include "controller/status/status_controller.h"

#include <optional>
#include <utility>

#include <spdlog/spdlog.h>

#include "controller/translate/ingress_record.h"
#include "proxy/net/loop.h"

namespace portico::status {
namespace {

// Nodes and their pods are not watched.
constexpr std::chrono::seconds kPoll{60};
constexpr std::chrono::seconds kPollWithoutAddresses{10};
// How often it is looked which Events are about to end; see EventLedger.
constexpr std::chrono::minutes kRetell{10};

std::string key_of(const routing::ObjectRef& ref) {
  return ref.namespace_.empty() ? ref.name : translate::object_name(ref.namespace_, ref.name);
}

template <class Kind>
std::optional<EventSubject> subject(const std::shared_ptr<const Kind>& object,
                                    const char* api_version) {
  if (object == nullptr || object->meta.uid.empty()) {
    return std::nullopt;
  }
  return EventSubject{.api_version = api_version, .uid = object->meta.uid};
}

// Nothing where the object is not there, or is somebody else's business.
std::optional<EventSubject> subject_of(const routing::ObjectRef& ref,
                                       const translate::Translator& translator) {
  const auto key = key_of(ref);
  const auto& state = translator.state();
  if (ref.kind == kube::Ingress::kKind) {
    return translator.is_ours(key) ? subject(state.ingress(key), "networking.k8s.io/v1")
                                   : std::nullopt;
  }
  if (ref.kind == kube::IngressClass::kKind) {
    return subject(state.ingress_class(key), "networking.k8s.io/v1");
  }
  if (ref.kind == kube::Service::kKind) {
    return subject(state.service(key), "v1");
  }
  if (ref.kind == kube::EndpointSlice::kKind) {
    const auto slice = state.slices().find(key);
    return slice == state.slices().end() ? std::nullopt
                                         : subject(slice->second, "discovery.k8s.io/v1");
  }
  if (ref.kind == kube::Secret::kKind) {
    return subject(state.secret(key), "v1");
  }
  if (ref.kind == kube::ConfigMap::kKind) {
    return subject(state.config_map(key), "v1");
  }
  return std::nullopt;
}

}  // namespace

StatusController::StatusController(net::Loop& loop, kube::ApiClient& client,
                                   const translate::Translator& translator, Options options,
                                   std::string reporter)
    : loop_(loop),
      translator_(translator),
      options_(std::move(options)),
      finder_(client, log_, options_, translator.state()),
      ingresses_(loop, client, log_, translator,
                 [this] { return options_.update_status && !writes_ended_ && elector_.leads(); }),
      events_(loop, client, log_, std::move(reporter), options_.identity),
      poll_(loop, [this] { poll(); }),
      retell_(loop, [this] { tell_what_stands(); }),
      limit_(loop,
             [this] {
               spdlog::warn("status: not done within {} s: leaving it", kStopLimit.count());
               end();
             }),
      alive_(std::make_shared<const char>()),
      elector_(loop, client, log_, options_, [this](bool leads) { on_leading(leads); }) {}

StatusController::~StatusController() = default;

void StatusController::start() {
  const bool has_source = !options_.publish_service.empty() ||
                          !options_.publish_status_addresses.empty() || !options_.pod.empty();
  if (options_.update_status && !has_source) {
    spdlog::info(
        "no status is written: there is no --publish-service, no "
        "--publish-status-address, and POD_NAME is not set");
  }
  elector_.start();
}

void StatusController::on_change(std::span<const kube::Change> changes,
                                 const routing::Diagnostics& raised) {
  bool classes_changed = false;
  for (const auto& change : changes) {
    const auto key = key_of(kube::ref_of(change.key));
    switch (change.key.kind) {
      case kube::kind_index<kube::Ingress>():
        ingresses_.touch(key);
        break;
      case kube::kind_index<kube::IngressClass>():
        classes_changed = true;
        break;
      case kube::kind_index<kube::Service>():
        if (key == options_.publish_service && leads()) {
          look_for_addresses();
        }
        break;
      default:
        break;
    }
  }
  if (classes_changed) {
    ingresses_.touch_all();
  }
  tell_findings(raised, EventLedger::Occasion::kFound);
}

void StatusController::on_leading(bool leads) {
  if (!leads || stopping_) {
    poll_.cancel();
    retell_.cancel();
    if (!leads) {
      ingresses_.pause();
      events_.pause();
    }
    return;
  }
  poll();
  tell_what_stands();
}

void StatusController::tell_what_stands() {
  retell_.arm(kRetell);
  tell_findings(translator_.diagnostics(), EventLedger::Occasion::kStands);
}

void StatusController::poll() {
  poll_.arm(kPoll);
  ingresses_.sweep();
  ingresses_.touch_all();
  look_for_addresses();
}

void StatusController::look_for_addresses() {
  if (!options_.update_status || stopping_) {
    return;
  }
  finder_.find([this](std::optional<Addresses> addresses) {
    const bool has_some = addresses && !addresses->empty();
    if (addresses) {
      ingresses_.set_addresses(std::move(*addresses));
    }
    if (!has_some) {
      poll_.arm(kPollWithoutAddresses);
    }
    if (options_.update_on_shutdown) {
      finder_.learn_own_pod();
    }
  });
}

void StatusController::tell_findings(const routing::Diagnostics& findings,
                                     EventLedger::Occasion occasion) {
  if (findings.empty() || stopping_ || !leads()) {
    return;
  }
  for (const auto& finding : findings) {
    const bool is_within =
        options_.watch_namespace.empty() || event_namespace(finding) == options_.watch_namespace;
    if (auto subject = is_within ? subject_of(finding.object, translator_) : std::nullopt) {
      events_.tell({.finding = finding, .subject = std::move(*subject)}, occasion);
    }
  }
}

void StatusController::stop(std::move_only_function<void()> done) {
  stopped_ = std::move(done);
  if (std::exchange(stopping_, true)) {
    return;
  }
  limit_.arm(kStopLimit);
  poll_.cancel();
  retell_.cancel();
  finder_.cancel();
  events_.pause();
  if (leads() && options_.update_status && options_.update_on_shutdown) {
    finder_.find_other_replica([this](bool exists) {
      if (exists) {
        spdlog::info("statuses stay: another replica goes on");
        release();
      } else {
        take_back_addresses();
      }
    });
  } else {
    release();
  }
}

void StatusController::take_back_addresses() {
  spdlog::info("taking the addresses out of Ingresses: nobody else serves them");
  // Posted: the writer may tell it while the elector tells that leading is lost.
  ingresses_.empty_all([this, alive = std::weak_ptr<const char>(alive_)] {
    loop_.post([this, alive] {
      if (!alive.expired()) {
        release();
      }
    });
  });
}

void StatusController::release() {
  writes_ended_ = true;
  ingresses_.pause();
  elector_.stop([this] { end(); });
}

// Posted, so that whoever is told may destroy this.
void StatusController::end() {
  writes_ended_ = true;
  limit_.cancel();
  ingresses_.pause();
  if (stopped_ != nullptr) {
    loop_.post(std::exchange(stopped_, nullptr));
  }
}

}  // namespace portico::status
