#include "controller/translate/backend_table.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "controller/translate/balance_asks.h"
#include "controller/translate/service_annotations.h"
#include "controller/translate/spread_findings.h"

namespace portico::translate {
namespace {

std::string service_key(const BackendName& name) {
  return object_name(name.namespace_, name.service);
}

std::string subject(const std::string& key) {
  return "backend " + key;
}

std::string external_subject(const std::string& service) {
  return "external name of " + service;
}

// A Service of type ExternalName whose name has no answer.
routing::Diagnostics unresolved(const kube::Service& service, const std::string& failure,
                                bool has_no_address) {
  if (failure.empty()) {
    return {};
  }
  const auto& meta = service.meta;
  return {{.severity = has_no_address ? routing::Severity::kError : routing::Severity::kWarning,
           .object = {kube::Service::kKind, meta.namespace_, meta.name},
           .field = "spec.externalName",
           .message = fmt::format(
               "\"{}\" can't be resolved ({}): {}", service.external_name, failure,
               has_no_address ? "its rules answer 503" : "its last addresses go on serving"),
           .fix = "correct the name, or see why DNS does not know it; it is asked for again",
           .file = meta.origin.file == nullptr ? std::string() : *meta.origin.file,
           .line = meta.origin.line}};
}

std::string dns_name(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  if (name.ends_with('.')) {
    name.pop_back();
  }
  return name;
}

const BackendWish& wish_of(const BackendName& name) {
  static const BackendWish kNothing;
  return name.wish == nullptr ? kNothing : *name.wish;
}

// The Ingress's annotations joined with the Service's; none where the Service has none.
std::optional<Spread> joined(const BackendName& name, const kube::Service* service) {
  const auto reading = service == nullptr ? ServiceReading() : read_service(*service);
  if (reading.asked.empty()) {
    return std::nullopt;
  }
  const auto& wish = wish_of(name);
  return join(wish.asked, reading.asked, wish.service_upstream);
}

// Last of all counts the Service's own field. Null: nothing is asked for.
std::shared_ptr<const routing::BalanceSpec> balance_of(const BackendName& name,
                                                       const kube::Service& service,
                                                       const std::optional<Spread>& spread) {
  const auto& asked = spread ? spread->balance : wish_of(name).balance;
  if (service.session_affinity == "ClientIP" && !asked.affinity && asked.hash_by.empty()) {
    auto balance = std::make_shared<routing::BalanceSpec>(asked);
    balance->hash_by = "$remote_addr";
    balance->hash_subset = false;
    return balance;
  }
  if (asked == routing::BalanceSpec()) {
    return nullptr;
  }
  return spread ? std::make_shared<const routing::BalanceSpec>(asked)
                : std::shared_ptr<const routing::BalanceSpec>(name.wish, &asked);
}

std::string annotations_subject(const std::string& service) {
  return "annotations of service " + service;
}

// Whether replicas must choose among the same endpoints, wherever each runs: else a client whose
// requests come by two of them would be moved by each.
bool is_alike_everywhere(const routing::BalanceSpec* balance) {
  return balance != nullptr && (balance->affinity || !balance->hash_by.empty());
}

// Whether a user's own word for a backend means this one: canaries name theirs without a wish, and
// no Ingress wants one Service port in two ways.
bool means(const BackendUse& use, const BackendName& name) {
  return use.backend.port == name.port && use.backend.service == name.service &&
         use.backend.namespace_ == name.namespace_;
}

// Of a wish for the Service's address where it can't be granted.
void add_without_cluster_ip(const BackendName& name, const kube::Service& service,
                            const absl::flat_hash_set<const IngressRecord*>& users,
                            routing::Diagnostics& diagnostics) {
  if (has_cluster_ip(service) || is_external_name(service)) {
    return;
  }
  for (const auto* user : users) {
    if (user == nullptr) {
      continue;  // of --default-backend-service: there is no Ingress to tell
    }
    for (const auto& use : user->backends) {
      if (means(use, name)) {
        diagnostics.push_back(about(
            *user, routing::Severity::kWarning, use.field,
            fmt::format("service-upstream has no effect: Service \"{}\" has no cluster IP, so "
                        "its endpoints are in use",
                        name.service),
            "give the Service a cluster IP, or set service-upstream: \"false\""));
      }
    }
  }
}

routing::Diagnostics findings(const BackendName& name,
                              const absl::flat_hash_set<const IngressRecord*>& users,
                              const routing::BackendSpec& spec) {
  routing::Diagnostics diagnostics;
  const bool is_missing = !spec.missing_because.empty();
  const auto& problem = is_missing ? spec.missing_because : spec.denied_because;
  if (problem.empty()) {
    return diagnostics;
  }
  for (const auto* user : users) {
    if (user == nullptr) {
      diagnostics.push_back({.object = {kube::Service::kKind, name.namespace_, name.service},
                             .field = "--default-backend-service",
                             .message = problem,
                             .fix = "create the Service, or correct the flag"});
      continue;
    }
    for (const auto& use : user->backends) {
      if (means(use, name)) {
        diagnostics.push_back(about(*user, routing::Severity::kError, use.field,
                                    fmt::format("{}: {}", problem, without_backend(*user)),
                                    is_missing ? "create the Service port, or correct the backend"
                                               : "correct the Secret, or the annotations "
                                                 "proxy-ssl-* of this Ingress"));
      }
    }
  }
  return diagnostics;
}

bool is_idle_canary(const IngressRecord* user) {
  return user != nullptr && user->canary != nullptr && !user->idle.empty();
}

}  // namespace

void BackendTable::use(const BackendName& name, const IngressRecord* user) {
  auto key = name.key();
  auto& backend = backends_[key];
  if (backend.users.empty()) {
    backend.name = name;
    of_service_[service_key(name)].insert(key);
    if (name.wish != nullptr && !name.wish->secret.empty()) {
      of_secret_[name.wish->secret].insert(key);
    }
  }
  backend.users.insert(user);
  if (is_idle_canary(user)) {
    of_idle_canary_[user].insert(key);
  }
  touched_.insert(std::move(key));
}

void BackendTable::release(const std::string& key, const IngressRecord* user) {
  if (const auto found = backends_.find(key); found != backends_.end()) {
    found->second.users.erase(user);
    touched_.insert(key);
  }
  if (const auto keys = of_idle_canary_.find(user); keys != of_idle_canary_.end()) {
    keys->second.erase(key);
    if (keys->second.empty()) {
      of_idle_canary_.erase(keys);
    } else {
      touched_.insert(*keys->second.begin());  // what is left is judged anew
    }
  }
}

void BackendTable::touch_service(const std::string& service) {
  if (const auto found = of_service_.find(service); found != of_service_.end()) {
    touched_.insert(found->second.begin(), found->second.end());
  }
}

void BackendTable::touch_secret(const std::string& secret) {
  if (const auto found = of_secret_.find(secret); found != of_secret_.end()) {
    touched_.insert(found->second.begin(), found->second.end());
  }
}

std::vector<std::string> BackendTable::external_names() const {
  std::vector<std::string> names;
  for (const auto& [name, external] : externals_) {
    names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

void BackendTable::set_external_addresses(const std::string& name,
                                          std::vector<std::string> addresses, std::string failure) {
  const auto found = externals_.find(dns_name(name));
  if (found == externals_.end()) {
    return;  // no longer wanted
  }
  found->second.addresses = std::move(addresses);
  found->second.failure = std::move(failure);
  for (const auto& service : found->second.services) {
    touch_service(service);
  }
}

bool BackendTable::build(const ClusterState& state, routing::SharedMap<routing::BackendSpec>& specs,
                         DiagnosticTable& diagnostics) {
  bool changed = false;
  for (const auto& key : std::exchange(touched_, {})) {
    changed = build_one(key, state, specs, diagnostics) || changed;
  }
  for (const auto& service : std::exchange(built_services_, {})) {
    report_annotations(service, state, diagnostics);
  }
  for (const auto* user : std::exchange(idle_users_, {})) {
    diagnostics.replace(idle_subject(user->ref), idle_findings(*user, backends_of(*user), state));
  }
  return changed;
}

std::vector<const BackendName*> BackendTable::backends_of(const IngressRecord& user) const {
  std::vector<const BackendName*> names;
  if (user.canary == nullptr) {
    for (const auto& use : user.backends) {
      names.push_back(&use.backend);
    }
    return names;
  }
  if (const auto keys = of_idle_canary_.find(&user); keys != of_idle_canary_.end()) {
    for (const auto& key : keys->second) {
      names.push_back(&backends_.at(key).name);
    }
  }
  return names;
}

bool BackendTable::build_one(const std::string& key, const ClusterState& state,
                             routing::SharedMap<routing::BackendSpec>& specs,
                             DiagnosticTable& diagnostics) {
  const auto found = backends_.find(key);
  if (found == backends_.end()) {
    return false;
  }
  auto& backend = found->second;
  if (backend.users.empty()) {
    built_services_.insert(service_key(backend.name));
    erase(key, diagnostics);
    diagnostics.replace(subject(key), {});
    specs.erase(key);
    return true;
  }
  built_services_.insert(service_key(backend.name));
  for (const auto* user : backend.users) {
    if (user != nullptr && !user->idle.empty()) {
      idle_users_.insert(user);
    }
  }
  auto spec = build_spec(backend, state, diagnostics);
  const auto* before = specs.find(key);
  if (before != nullptr && *before == spec) {
    return false;
  }
  specs.set(key, std::make_shared<const routing::BackendSpec>(std::move(spec)));
  return true;
}

routing::BackendSpec BackendTable::build_spec(Backend& backend, const ClusterState& state,
                                              DiagnosticTable& diagnostics) {
  const auto service_name = service_key(backend.name);
  const auto service = state.service(service_name);
  const auto addresses = addresses_of(service_name, service.get());
  report_external(service_name, service.get(), diagnostics);
  const auto spread = joined(backend.name, service.get());
  const bool to_service =
      spread ? spread->service_upstream : wish_of(backend.name).service_upstream;
  auto balance = service == nullptr ? nullptr : balance_of(backend.name, *service, spread);
  auto spec =
      build_backend(backend.name, {.service = service.get(),
                                   .slices = state.slices_of(service_name),
                                   .external_addresses = addresses,
                                   .here = is_alike_everywhere(balance.get()) ? Location() : here_,
                                   .service_upstream = to_service});
  if (spec.missing_because.empty()) {
    set_speech(backend, *service, state, spec);
    spec.balance = std::move(balance);
  }
  auto found_out = findings(backend.name, backend.users, spec);
  if (spec.missing_because.empty() && to_service) {
    add_without_cluster_ip(backend.name, *service, backend.users, found_out);
  }
  diagnostics.replace(subject(spec.key), std::move(found_out));
  return spec;
}

void BackendTable::set_speech(Backend& backend, const kube::Service& service,
                              const ClusterState& state, routing::BackendSpec& spec) {
  const auto& wish = wish_of(backend.name);
  const auto* port = find_port(service, spec.port);
  const auto speech = resolve_speech(
      wish.protocol, port == nullptr ? std::string_view() : std::string_view(port->app_protocol));
  spec.protocol = speech.protocol;
  if (!speech.tls) {
    if (wish.refuses_plaintext) {
      spec.denied_because = fmt::format(
          "the main Ingress has proxy-ssl-verify, and no appProtocol of Service \"{}\" "
          "names TLS",
          spec.service);
    }
    return;
  }
  auto secret = wish.secret.empty() ? nullptr : state.secret(wish.secret);
  auto default_name = is_external_name(service)
                          ? dns_name(service.external_name)
                          : fmt::format("{}.{}.svc", spec.service, spec.namespace_);
  const auto* known = backend.tls.get();
  if (known == nullptr || known->protocol != speech.protocol || known->secret != secret ||
      known->default_name != default_name) {
    auto result = resolve_tls(wish, speech.protocol, secret.get(), default_name);
    backend.tls = std::make_unique<const Tls>(Tls{.protocol = speech.protocol,
                                                  .secret = std::move(secret),
                                                  .default_name = std::move(default_name),
                                                  .result = std::move(result)});
  }
  const auto& result = backend.tls->result;
  if (!result) {
    spec.denied_because = result.error();
    return;
  }
  spec.tls = *result;
  spec.tls_like_client = speech.tls_like_client;
}

void BackendTable::report_external(const std::string& service_key, const kube::Service* service,
                                   DiagnosticTable& diagnostics) const {
  const auto name = external_of_service_.find(service_key);
  if (name == external_of_service_.end()) {
    diagnostics.replace(external_subject(service_key), {});
    return;
  }
  const auto& external = externals_.at(name->second);
  diagnostics.replace(external_subject(service_key),
                      unresolved(*service, external.failure, external.addresses.empty()));
}

void BackendTable::report_annotations(const std::string& service_key, const ClusterState& state,
                                      DiagnosticTable& diagnostics) const {
  const auto keys = of_service_.find(service_key);
  const auto service = state.service(service_key);
  routing::Diagnostics findings;
  if (keys != of_service_.end() && service != nullptr) {
    std::vector<const BackendWish*> wishes;
    for (const auto& key : keys->second) {
      wishes.push_back(backends_.at(key).name.wish.get());
    }
    findings = service_findings(*service, state.slices_of(service_key), wishes);
  }
  diagnostics.replace(annotations_subject(service_key), std::move(findings));
}

void BackendTable::erase(const std::string& key, DiagnosticTable& diagnostics) {
  const auto& name = backends_.at(key).name;
  const auto service = service_key(name);
  if (name.wish != nullptr && !name.wish->secret.empty()) {
    auto& of_secret = of_secret_.at(name.wish->secret);
    of_secret.erase(key);
    if (of_secret.empty()) {
      of_secret_.erase(name.wish->secret);
    }
  }
  backends_.erase(key);
  auto& keys = of_service_.at(service);
  keys.erase(key);
  if (keys.empty()) {
    of_service_.erase(service);
    point_external(service, "");
    diagnostics.replace(external_subject(service), {});
  }
}

std::vector<std::string> BackendTable::addresses_of(const std::string& service_key,
                                                    const kube::Service* service) {
  if (service == nullptr || !is_external_name(*service)) {
    point_external(service_key, "");
    return {};
  }
  const auto name = dns_name(service->external_name);
  if (is_ip_address(name)) {
    point_external(service_key, "");
    return {name};
  }
  point_external(service_key, name);
  const auto found = externals_.find(name);
  return found == externals_.end() ? std::vector<std::string>{} : found->second.addresses;
}

void BackendTable::point_external(const std::string& service, const std::string& name) {
  const auto before = external_of_service_.find(service);
  if (before != external_of_service_.end()) {
    if (before->second == name) {
      return;
    }
    const auto external = externals_.find(before->second);
    external->second.services.erase(service);
    if (external->second.services.empty()) {
      externals_.erase(external);
    }
    external_of_service_.erase(before);
  }
  if (!name.empty()) {
    externals_[name].services.insert(service);
    external_of_service_.emplace(service, name);
  }
}

}  // namespace portico::translate
