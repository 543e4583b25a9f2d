#include "controller/translate/translator.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "controller/translate/canary_merge.h"
#include "controller/translate/config_map.h"
#include "controller/translate/host_build.h"
#include "controller/translate/passthrough.h"
#include "controller/translate/spread_findings.h"
#include "controller/translate/tls_values.h"
#include "routing/hostname.h"

namespace portico::translate {
namespace {

using routing::Severity;

constexpr std::size_t kInspectedAtOnce = 1000;

std::string wildcard_above(const std::string& host) {
  const auto suffix = routing::wildcard_suffix(host);
  return suffix.empty() ? std::string() : "*" + std::string(suffix);
}

template <class Index>
void remove_user(Index& index, const std::string& key, const IngressRecord& record) {
  const auto found = index.find(key);
  if (found == index.end()) {
    return;
  }
  found->second.erase(&record);
  if (found->second.empty()) {
    index.erase(found);
  }
}

}  // namespace

Translator::Translator(const Options& options)
    : options_(options),
      classes_(options.classes),
      secrets_(options.checking ? std::numeric_limits<std::size_t>::max() : kInspectedAtOnce),
      claims_(secrets_, options.checking),
      backends_(options.location) {
  if (!options_.default_backend_service.empty()) {
    read_default_backend_service();
    snapshot_.default_route = default_service_route_;
  }
  // For good, whichever Ingresses name them.
  for (const auto& secret : {options_.default_ssl_certificate, options_.ticket_keys_secret}) {
    if (!secret.empty()) {
      secret_uses_.push_back({.key = secret, .used = true});
    }
  }
}

void Translator::read_default_backend_service() {
  const auto& flag = options_.default_backend_service;
  const auto slash = flag.find('/');
  const auto colon = flag.find(':', slash);
  BackendName name;
  name.namespace_ = flag.substr(0, slash);
  name.service = flag.substr(slash + 1, colon == std::string::npos ? colon : colon - slash - 1);
  name.port = colon == std::string::npos ? "" : flag.substr(colon + 1);
  auto route = std::make_shared<routing::RouteSpec>();
  route->path = "/";
  route->backend = name.key();
  route->policy = std::make_shared<const routing::Policy>(route_defaults_);
  route->origin = {kube::Service::kKind, name.namespace_, name.service};
  route->field = "--default-backend-service";
  default_service_route_ = std::move(route);
  backends_.use(name, nullptr);
}

Outcome Translator::apply(std::span<const kube::Change> changes) {
  Work work;
  const auto touched = state_.apply(changes);
  // Secrets first: what an Ingress without tls hosts claims depends on what the certificates cover.
  for (const auto& key : touched.secrets) {
    secrets_.set(key, state_.secret(key));
  }
  const bool first = !std::exchange(was_applied_, true);
  touch_rules(touched, first, work);
  for (const auto& key : touched.ingresses) {
    replace_record(key, work);
  }
  touch_secrets(touched, work);
  const auto& certificate = options_.default_ssl_certificate;
  if (!certificate.empty() && (first || touched.secrets.contains(certificate))) {
    read_default_certificate(work);
  }
  const auto& ticket_keys = options_.ticket_keys_secret;
  if (!ticket_keys.empty() && (first || touched.secrets.contains(ticket_keys))) {
    read_shared_ticket_keys(work);
  }
  for (const auto& key : touched.services) {
    backends_.touch_service(key);
  }
  return build(work);
}

Outcome Translator::set_external_addresses(const std::string& name,
                                           std::vector<std::string> addresses,
                                           std::string failure) {
  backends_.set_external_addresses(name, std::move(addresses), std::move(failure));
  Work work;
  return build(work);
}

std::vector<const IngressRecord*> Translator::records() const {
  std::vector<const IngressRecord*> records;
  for (const auto& [key, record] : records_) {
    records.push_back(record.get());
  }
  return records;
}

bool Translator::is_ours(std::string_view ingress) const {
  const auto found = records_.find(ingress);
  return found != records_.end() && found->second->ours;
}

// What all Ingresses are read by.
void Translator::touch_rules(const Touched& touched, bool first, Work& work) {
  const auto& config_map = options_.config_map;
  const bool is_touched =
      !config_map.empty() && (first || touched.config_maps.contains(config_map));
  bool changed = is_touched && read_config_map(work);
  if (changed && default_service_route_ != nullptr) {
    read_default_backend_service();
    work.default_route = true;
  }
  for (const auto& name : touched.classes) {
    changed = classes_.set(name, state_.ingress_class(name).get()) || changed;
  }
  if (!changed) {
    return;
  }
  for (const auto& [key, ingress] : state_.ingresses()) {
    replace_record(key, work);
  }
}

// True where routes have other defaults now.
bool Translator::read_config_map(Work& work) {
  const auto object = state_.config_map(options_.config_map);
  auto reading = translate::read_config_map(options_.config_map, object.get());
  diagnostics_.replace("config map", std::move(reading.diagnostics));
  const bool changed = reading.defaults != route_defaults_ ||
                       reading.settings.plain_paths != snapshot_.settings->plain_paths;
  settings_ = std::move(reading.settings);
  publish_settings(work);
  route_defaults_ = std::move(reading.defaults);
  return changed;
}

// The Secret's keys come first; the ConfigMap's, if any, goes on opening tickets.
void Translator::publish_settings(Work& work) {
  auto settings = settings_;
  auto& keys = settings.tls.ticket_keys;
  keys.insert(keys.begin(), shared_ticket_keys_.begin(), shared_ticket_keys_.end());
  if (settings != *snapshot_.settings) {
    snapshot_.settings = std::make_shared<const routing::Settings>(std::move(settings));
    work.structure = true;
  }
}

// A Secret that went bad leaves its last good keys in use; one that is gone takes them along.
void Translator::read_shared_ticket_keys(Work& work) {
  const auto& key = options_.ticket_keys_secret;
  const auto secret = state_.secret(key);
  auto keys = secret == nullptr ? std::unexpected(std::string("there is no such Secret"))
                                : read_ticket_keys(*secret);
  routing::Diagnostics diagnostics;
  if (!keys) {
    const auto slash = key.find('/');
    diagnostics.push_back(
        {.severity = Severity::kError,
         .object = {kube::Secret::kKind, key.substr(0, slash), key.substr(slash + 1)},
         .field = secret == nullptr ? "--tls-ticket-keys-secret" : "data",
         .message =
             fmt::format("{}: replicas do not resume each other's TLS sessions{}", keys.error(),
                         shared_ticket_keys_.empty() || secret == nullptr
                             ? ""
                             : " by it; its last good keys are in use"),
         .fix =
             "give it entries of 80 random bytes each (openssl rand 80); the first by name seals"});
  }
  diagnostics_.replace("ticket keys", std::move(diagnostics));
  if (keys || secret == nullptr) {
    shared_ticket_keys_ = std::move(keys).value_or(std::vector<std::string>());
  }
  publish_settings(work);
}

void Translator::read_default_certificate(Work& work) {
  const auto& key = options_.default_ssl_certificate;
  diagnostics_.replace("default certificate", claims_.bad_default(key));
  const auto& certificate = secrets_.view(key).serves;
  work.structure = work.structure || certificate != snapshot_.default_certificate;
  snapshot_.default_certificate = certificate;
}

void Translator::touch_secrets(const Touched& touched, Work& work) {
  for (const auto& key : touched.secrets) {
    backends_.touch_secret(key);
    for (const auto* record : authorities_.touch_secret(key)) {
      work.authority_findings.insert(record);
      for (const auto& [host, routes] : record->hosts) {
        work.hosts.insert(host);
      }
    }
    const auto users = by_secret_.find(key);
    if (users == by_secret_.end()) {
      continue;
    }
    work.secrets.insert(key);
    for (const auto* record : users->second) {
      claims_.release(*record, work.server_names);
      claims_.claim(*record, work.server_names);
      work.tls_findings.insert(record);
    }
  }
}

void Translator::replace_record(const std::string& key, Work& work) {
  const auto before = records_.find(key);
  if (before != records_.end()) {
    remove_record(*before->second, work);
    work.tls_findings.erase(before->second.get());
    work.authority_findings.erase(before->second.get());
    diagnostics_.replace("tls " + key, {});
    diagnostics_.replace("client certificates " + key, {});
    diagnostics_.replace(idle_subject(before->second->ref), {});
  }
  const auto ingress = state_.ingress(key);
  if (ingress == nullptr) {
    diagnostics_.replace("ingress " + key, {});
    if (before != records_.end()) {
      records_.erase(before);
    }
    return;
  }
  auto record = read_ingress(*ingress, {.classes = classes_,
                                        .defaults = route_defaults_,
                                        .default_secret = options_.default_ssl_certificate,
                                        .plain_paths = snapshot_.settings->plain_paths,
                                        .checking = options_.checking});
  diagnostics_.replace("ingress " + key, record->diagnostics);
  add_record(*record, work);
  records_.insert_or_assign(key, std::move(record));
}

void Translator::add_record(const IngressRecord& record, Work& work) {
  for (const auto& [host, routes] : record.hosts) {
    add_host_user(host, record);
    work.hosts.insert(host);
  }
  if (record.canary == nullptr) {
    for (const auto& use : record.backends) {
      backends_.use(use.backend, &record);
    }
  }
  for (const auto& entry : record.tls) {
    add_secret_user(entry.secret, record);
    work.secrets.insert(entry.secret);
  }
  if (authorities_.add(record)) {
    note_secret_use(record.tls_reading.tls.authority_secret, true);
  }
  if (record.tls_reading.is_given) {
    work.authority_findings.insert(&record);
  }
  note_secret_use(record.backend_secret, true);
  claims_.claim(record, work.server_names);
  if (!record.tls.empty()) {
    work.tls_findings.insert(&record);
  }
  if (record.default_route != nullptr) {
    (record.canary == nullptr ? defaults_ : canary_defaults_).insert(&record);
    work.default_route = true;
  }
}

void Translator::remove_record(const IngressRecord& record, Work& work) {
  for (const auto& [host, routes] : record.hosts) {
    remove_host_user(host, record);
    work.hosts.insert(host);
  }
  if (record.canary != nullptr) {
    canary_uses_.forget(record);
  } else {
    for (const auto& use : record.backends) {
      backends_.release(use.backend.key(), &record);
    }
  }
  for (const auto& entry : record.tls) {
    remove_secret_user(entry.secret, record);
    work.secrets.insert(entry.secret);
  }
  if (authorities_.remove(record)) {
    note_secret_use(record.tls_reading.tls.authority_secret, false);
  }
  note_secret_use(record.backend_secret, false);
  claims_.release(record, work.server_names);
  if (record.default_route != nullptr) {
    (record.canary == nullptr ? defaults_ : canary_defaults_).erase(&record);
    work.default_route = true;
  }
}

void Translator::add_host_user(const std::string& host, const IngressRecord& record) {
  by_host_[host].insert(&record);
  if (const auto wildcard = wildcard_above(host); !wildcard.empty()) {
    below_wildcard_[wildcard].insert(host);
  }
}

void Translator::remove_host_user(const std::string& host, const IngressRecord& record) {
  remove_user(by_host_, host, record);
  if (by_host_.contains(host)) {
    return;
  }
  const auto below = below_wildcard_.find(wildcard_above(host));
  if (below == below_wildcard_.end()) {
    return;
  }
  below->second.erase(host);
  if (below->second.empty()) {
    below_wildcard_.erase(below);
  }
}

void Translator::add_secret_user(const std::string& secret, const IngressRecord& record) {
  RecordSet& users = by_secret_[secret];
  if (users.empty()) {
    note_secret_use(secret, true);
  }
  users.insert(&record);
}

void Translator::remove_secret_user(const std::string& secret, const IngressRecord& record) {
  const bool was_used = by_secret_.contains(secret);
  remove_user(by_secret_, secret, record);
  if (was_used && !by_secret_.contains(secret)) {
    note_secret_use(secret, false);
  }
}

// As a certificate or as authorities: each use counts, and the first and the last are told.
void Translator::note_secret_use(const std::string& secret, bool used) {
  if (secret.empty() || secret == options_.default_ssl_certificate ||
      secret == options_.ticket_keys_secret) {
    return;
  }
  auto& count = secret_use_counts_[secret];
  count += used ? 1 : -1;
  if (count == (used ? 1 : 0)) {
    secret_uses_.push_back({.key = secret, .used = used});
  }
  if (count == 0) {
    secret_use_counts_.erase(secret);
  }
}

Outcome Translator::build(Work& work) {
  build_certificates(work);
  build_tls_findings(work);
  build_hosts(work);
  build_default_route(work);
  const bool backends_changed = backends_.build(state_, snapshot_.backends, diagnostics_);
  Outcome outcome;
  if (work.structure) {
    outcome.impact = Impact::kStructure;
  } else if (backends_changed) {
    outcome.impact = Impact::kEndpoints;
  }
  snapshot_.generation += outcome.impact == Impact::kIrrelevant ? 0 : 1;
  outcome.raised = diagnostics_.take_raised();
  return outcome;
}

void Translator::build_certificates(Work& work) {
  for (const auto& name : work.server_names) {
    const auto* shared = snapshot_.certificates.find_shared(name);
    const auto current = shared == nullptr ? nullptr : *shared;
    auto choice = claims_.choose(name, current);
    diagnostics_.replace("server name " + name, std::move(choice.diagnostics));
    if (choice.certificate == current) {
      continue;
    }
    work.structure = true;
    if (choice.certificate == nullptr) {
      snapshot_.certificates.erase(name);
    } else {
      snapshot_.certificates.set(name, choice.certificate);
    }
    work.hosts.insert(name);
    if (const auto below = below_wildcard_.find(name); below != below_wildcard_.end()) {
      work.hosts.insert(below->second.begin(), below->second.end());
    }
  }
}

void Translator::build_tls_findings(const Work& work) {
  for (const auto* record : work.tls_findings) {
    diagnostics_.replace("tls " + object_name(record->ref.namespace_, record->ref.name),
                         claims_.missing_secrets(*record));
  }
  for (const auto* record : work.authority_findings) {
    diagnostics_.replace(
        "client certificates " + object_name(record->ref.namespace_, record->ref.name),
        authorities_.findings(*record));
  }
  for (const auto& key : work.secrets) {
    const auto users = by_secret_.find(key);
    routing::Diagnostics diagnostics;
    if (users != by_secret_.end()) {
      const auto* oldest = *std::ranges::min_element(users->second, Precedes{});
      diagnostics = claims_.bad_secret(key, *oldest);
    }
    diagnostics_.replace("secret " + key, std::move(diagnostics));
  }
}

bool Translator::has_certificate(const std::string& host) const {
  return !host.empty() && (snapshot_.certificates.find(host) != nullptr ||
                           snapshot_.certificates.find(wildcard_above(host)) != nullptr);
}

void Translator::build_hosts(Work& work) {
  for (const auto& host : work.hosts) {
    build_host(host, work);
  }
}

void Translator::build_host(const std::string& host, Work& work) {
  const auto users = by_host_.find(host);
  const auto* before = snapshot_.hosts.find(host);
  std::vector<const IngressRecord*> records;
  std::vector<const IngressRecord*> canaries;
  if (users != by_host_.end()) {
    for (const auto* record : users->second) {
      (record->canary == nullptr ? records : canaries).push_back(record);
    }
  }
  std::ranges::sort(records, Precedes{});
  std::ranges::sort(canaries, Precedes{});
  if (records.empty()) {
    diagnostics_.replace("host " + host, merge_canaries(host, {}, {}, canaries).diagnostics);
    canary_uses_.set(host, {});
    work.structure = work.structure || before != nullptr;
    snapshot_.hosts.erase(host);
    return;
  }
  auto built = translate::build_host(host, has_certificate(host), records);
  built.spec.tls = authorities_.of_host(records);
  if (built.spec.tls != nullptr) {
    for (auto& overruled : authorities_.overruled(records, *built.spec.tls)) {
      built.diagnostics.push_back(std::move(overruled.finding));
      if (!overruled.closes_because.empty()) {
        deny_rules(built.spec, *overruled.record, overruled.closes_because);
      }
    }
  }
  for (auto& finding : decide_passthrough(built.spec, records, options_.ssl_passthrough)) {
    built.diagnostics.push_back(std::move(finding));
  }
  auto merged = merge_canaries(host, built.spec.routes, records, canaries);
  canary_uses_.set(host, std::move(merged.uses));
  std::ranges::move(merged.diagnostics, std::back_inserter(built.diagnostics));
  diagnostics_.replace("host " + host, std::move(built.diagnostics));
  if (before != nullptr && same_host(*before, built.spec)) {
    return;
  }
  work.structure = true;
  snapshot_.hosts.set(host, std::make_shared<const routing::HostSpec>(std::move(built.spec)));
}

void Translator::build_default_route(Work& work) {
  if (!work.default_route) {
    return;
  }
  routing::Diagnostics diagnostics;
  auto route = choose_default_route(diagnostics);
  diagnostics_.replace("default route", std::move(diagnostics));
  const auto& before = snapshot_.default_route;
  if (before == route || (before != nullptr && route != nullptr && same_route(*before, *route))) {
    return;
  }
  work.structure = true;
  snapshot_.default_route = std::move(route);
}

RoutePointer Translator::choose_default_route(routing::Diagnostics& diagnostics) {
  const auto* main = defaults_.empty() ? nullptr : *defaults_.begin();
  auto route = main == nullptr ? default_service_route_ : main->default_route;
  for (const auto* record : defaults_) {
    if (record != main) {
      diagnostics.push_back(
          about(*record, Severity::kWarning, "spec.defaultBackend",
                fmt::format("not used for other hosts: {} is older and has one too",
                            main->ref.to_string()),
                "keep one Ingress with a defaultBackend"));
    }
  }
  const std::vector<const IngressRecord*> canaries(canary_defaults_.begin(),
                                                   canary_defaults_.end());
  auto merged = merge_default_canaries(route, main, canaries);
  canary_uses_.set(CanaryUses::kDefaultRoute, std::move(merged.uses));
  std::ranges::move(merged.diagnostics, std::back_inserter(diagnostics));
  return route;
}

}  // namespace portico::translate
