#include "controller/translate/ingress_record.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "controller/translate/annotations.h"
#include "routing/path.h"

namespace portico::translate {
namespace {

using routing::Diagnostic;
using routing::Hostname;
using routing::PathKind;
using routing::RouteSpec;
using routing::Severity;

std::shared_ptr<const routing::Policy> shared_policy(const routing::Policy& policy) {
  static const auto kDefault = std::make_shared<const routing::Policy>();
  return policy == *kDefault ? kDefault : std::make_shared<const routing::Policy>(policy);
}

// What the API server refuses in Exact and Prefix paths.
std::string_view refused_sequence(PathKind kind, std::string_view path) {
  constexpr std::array<std::string_view, 5> kAnywhere = {"//", "/./", "/../", "%2f", "%2F"};
  constexpr std::array<std::string_view, 2> kAtEnd = {"/..", "/."};
  if (kind == PathKind::kStringPrefix) {
    return {};
  }
  for (const auto sequence : kAnywhere) {
    if (path.find(sequence) != std::string_view::npos) {
      return sequence;
    }
  }
  for (const auto sequence : kAtEnd) {
    if (path.ends_with(sequence)) {
      return sequence;
    }
  }
  return {};
}

// What paths hardly ever hold, and ingress-nginx's regular expressions nearly always do.
bool looks_like_regex(std::string_view path) {
  return path.find_first_of("(|[\\^") != std::string_view::npos || path.ends_with('$') ||
         path.find(".*") != std::string_view::npos || path.find(".+") != std::string_view::npos;
}

bool same_canary(const routing::CanarySpec* a, const routing::CanarySpec* b) {
  if (a == nullptr || b == nullptr) {
    return a == b;
  }
  return a->rule == b->rule && same_route(*a->route, *b->route);
}

class Translation {
 public:
  Translation(const kube::Ingress& ingress, const ReadingRules& rules)
      : ingress_(ingress), rules_(rules), record_(std::make_shared<IngressRecord>()) {
    record_->ref = {kube::Ingress::kKind, ingress.meta.namespace_, ingress.meta.name};
    record_->created_unix_seconds = ingress.meta.created_unix_seconds;
    record_->origin = ingress.meta.origin;
  }

  // What to do with it by its class.
  enum class Reading : std::uint8_t { kNone, kServe, kCheckOnly };
  Reading judge_class() {
    auto decision = rules_.classes.decide(ingress_);
    record_->ours = decision.ours;
    if (decision.ours) {
      return Reading::kServe;
    }
    auto& finding = decision.finding;
    const bool is_error = finding && finding->severity == Severity::kError;
    if (finding) {
      // While serving, what other controllers do with their Ingresses is no error of anybody's.
      add(rules_.checking ? finding->severity : Severity::kInfo, finding->field, finding->message,
          finding->fix);
    }
    return rules_.checking && is_error ? Reading::kCheckOnly : Reading::kNone;
  }

  void forget_routes() {
    record_->hosts.clear();
    record_->host_denied_because.clear();
    record_->default_route.reset();
  }

  void read() {
    auto annotations = read_annotations(ingress_.meta.annotations, rules_.defaults);
    for (auto& finding : annotations.findings) {
      add(finding.severity, fmt::format("metadata.annotations[{}]", finding.annotation),
          finding.message, finding.fix);
      if (finding.idle != nullptr) {
        record_->idle.push_back({finding.idle, std::move(record_->diagnostics.back())});
        record_->diagnostics.pop_back();
      }
    }
    read_backend_wish(annotations);
    policy_ = shared_policy(annotations.policy);
    read_host_tls(std::move(annotations.tls));
    if (annotations.canary.is_canary) {
      read_canary(annotations);
    } else {
      record_->host_denied_because = std::move(annotations.host_denied_because);
      if (annotations.backend != BackendWish()) {
        wish_ = std::make_shared<const BackendWish>(std::move(annotations.backend));
      }
      for (std::size_t i = 0; i < ingress_.tls.size(); ++i) {
        read_tls(ingress_.tls[i], fmt::format("spec.tls[{}]", i));
      }
    }
    read_default_backend();
    for (std::size_t i = 0; i < ingress_.rules.size(); ++i) {
      read_rule(ingress_.rules[i], fmt::format("spec.rules[{}]", i));
    }
    std::erase_if(record_->hosts, [](const auto& entry) { return entry.second.empty(); });
    std::ranges::sort(record_->hosts, {},
                      &std::pair<std::string, std::vector<RoutePointer>>::first);
  }

  std::shared_ptr<const IngressRecord> take() { return std::move(record_); }

 private:
  void add(Severity severity, std::string field, std::string message, std::string fix) {
    record_->diagnostics.push_back(
        about(*record_, severity, std::move(field), std::move(message), std::move(fix)));
  }

  // Which Secret that is, and whether the Ingress may use it.
  void read_host_tls(HostTlsReading reading) {
    auto& tls = reading.tls;
    tls.verify = reading.verify.value_or(routing::ClientVerification::kOn);
    auto& secret = tls.authority_secret;
    const auto& own = ingress_.meta.namespace_;
    const auto slash = secret.find('/');
    if (secret.empty()) {
      tls.verify = routing::ClientVerification::kOff;
    } else if (slash == std::string::npos) {
      secret = object_name(own, secret);
    } else if (secret.substr(0, slash) != own && tls.refused_because.empty()) {
      tls.refused_because = "auth-tls-secret is in another namespace";
      add(Severity::kError, "metadata.annotations[auth-tls-secret]",
          fmt::format(
              "Secret \"{}\" is in another namespace: all requests for its hosts answer 403",
              secret),
          fmt::format("use a Secret of namespace \"{}\"", own));
    }
    if (!tls.refused_because.empty()) {
      secret.clear();  // it is none of ours to look at
    }
    record_->tls_reading = std::move(reading);
  }

  // No host, and so nobody to ask for a certificate: what it may guard stays closed.
  void close_default_route() {
    auto policy = *policy_;
    policy.denied_because = "client certificates are asked for by hosts, and this rule has none";
    auto route = std::make_shared<RouteSpec>(*record_->default_route);
    route->policy = shared_policy(policy);
    record_->default_route = std::move(route);
    add(Severity::kError, "spec.defaultBackend",
        "client certificates are asked for by hosts: where it serves hosts without rules, it "
        "answers 503",
        "add a rule without host and with path \"/\"");
  }

  // A Secret of another namespace would let its key be used by whoever may write an Ingress.
  void read_backend_wish(AnnotationReading& annotations) {
    auto& wish = annotations.backend;
    const auto& namespace_ = ingress_.meta.namespace_;
    if (!wish.secret.empty() && !wish.secret.starts_with(namespace_ + "/")) {
      const auto problem =
          fmt::format("proxy-ssl-secret names a Secret of another namespace, \"{}\"", wish.secret);
      add(Severity::kError, "metadata.annotations[proxy-ssl-secret]",
          problem + ": the routes of this Ingress answer 503",
          fmt::format("copy the Secret to namespace \"{}\"", namespace_));
      annotations.policy.denied_because = problem;
      wish = BackendWish();
      return;
    }
    record_->backend_secret = wish.secret;
  }

  // Its certificates and its policy are the main Ingress's. What guards access and can't be
  // honoured here leaves nothing of the canary.
  void read_canary(AnnotationReading& annotations) {
    auto canary = std::make_shared<CanaryPart>();
    canary->rule = std::move(annotations.canary.rule);
    canary->wish = std::move(annotations.backend);
    canary->tls = std::exchange(record_->tls_reading, {});
    canary->unusable_because = annotations.host_denied_because.empty()
                                   ? annotations.policy.denied_because
                                   : annotations.host_denied_because;
    if (!canary->unusable_because.empty()) {
      add(Severity::kError, "metadata.annotations[canary]",
          fmt::format("the canary serves nothing: {}", canary->unusable_because),
          "remove from the canary what guards access: the main Ingress's annotations hold for it");
    }
    record_->canary = std::move(canary);
  }

  void read_default_backend() {
    if (ingress_.default_backend.has_value()) {
      record_->default_route = make_route(PathKind::kPrefix, "/", *ingress_.default_backend,
                                          "spec.defaultBackend", "spec.defaultBackend");
      const auto& reading = record_->tls_reading;
      if (!reading.tls.authority_secret.empty() || !reading.tls.refused_because.empty() ||
          reading.demands_certificates()) {
        close_default_route();
      }
      return;
    }
    if (ingress_.rules.empty()) {
      add(Severity::kError, "spec.rules",
          "there are neither rules nor a defaultBackend: nothing is served",
          "add spec.rules or spec.defaultBackend");
    }
  }

  void read_rule(const kube::IngressRule& rule, const std::string& field) {
    const auto host = Hostname::parse(rule.host);
    if (!host) {
      add(Severity::kError, field + ".host",
          fmt::format("\"{}\" is no host for a rule: {}", rule.host, host.error()),
          "give a DNS name, or one whose first label is *");
      return;
    }
    auto& routes = routes_of(host->text());
    if (rule.paths.empty()) {
      read_rule_without_paths(routes, field);
      return;
    }
    for (std::size_t i = 0; i < rule.paths.size(); ++i) {
      const auto path_field = fmt::format("{}.http.paths[{}]", field, i);
      if (auto route = read_path(rule.paths[i], path_field)) {
        routes.push_back(std::move(route));
      }
    }
  }

  // A host without paths: all its traffic goes to the Ingress's own default backend.
  void read_rule_without_paths(std::vector<RoutePointer>& routes, const std::string& field) {
    if (!ingress_.default_backend.has_value()) {
      add(Severity::kWarning, field,
          "the rule has no paths and there is no defaultBackend: it serves nothing",
          "add http.paths to the rule");
      return;
    }
    routes.push_back(make_route(PathKind::kPrefix, "/", *ingress_.default_backend, field,
                                "spec.defaultBackend"));
  }

  RoutePointer read_path(const kube::IngressPath& path, const std::string& field) {
    const auto kind = read_kind(path.path_type, field + ".pathType");
    if (!kind) {
      return nullptr;
    }
    const auto text =
        path.path.empty() && *kind == PathKind::kStringPrefix ? std::string("/") : path.path;
    if (!check_path(*kind, text, field + ".path")) {
      return nullptr;
    }
    return make_route(*kind, text, path.backend, field, field + ".backend");
  }

  std::optional<PathKind> read_kind(const std::string& type, const std::string& field) {
    constexpr const char* kFix = "use Exact, Prefix or ImplementationSpecific";
    if (type == "Prefix") {
      return PathKind::kPrefix;
    }
    if (type == "Exact") {
      return PathKind::kExact;
    }
    if (type == "ImplementationSpecific") {
      return PathKind::kStringPrefix;
    }
    add(Severity::kError, field,
        type.empty() ? "the path has no pathType: it is not served"
                     : fmt::format("\"{}\" is no pathType: the path is not served", type),
        kFix);
    return std::nullopt;
  }

  bool check_path(PathKind kind, const std::string& path, const std::string& field) {
    if (!path.starts_with('/')) {
      add(Severity::kError, field,
          fmt::format("\"{}\" does not begin with \"/\": the path is not served", path),
          "begin the path with \"/\"");
      return false;
    }
    if (const auto sequence = refused_sequence(kind, path); !sequence.empty()) {
      add(Severity::kError, field,
          fmt::format("\"{}\" holds \"{}\": the path is not served", path, sequence),
          "write the path as requests have it: without empty or dot segments");
      return false;
    }
    routing::NormalTarget target;
    const auto parsed = target.parse(path);
    using enum routing::TargetError;
    // Other bytes than these a request can send escaped, and the rule is matched that way.
    if (!parsed && (parsed.error() == kEncodedNul || parsed.error() == kEscapesRoot)) {
      add(Severity::kError, field,
          fmt::format("no request can match \"{}\" ({}): the path is not served", path,
                      routing::to_string(parsed.error())),
          "correct the path");
      return false;
    }
    if (kind == PathKind::kStringPrefix && looks_like_regex(path)) {
      add(Severity::kWarning, field,
          fmt::format("\"{}\" looks like a regular expression, and is compared as plain text",
                      path),
          "write the path as requests have it; regular expressions are not served yet");
    }
    return true;
  }

  RoutePointer make_route(PathKind kind, std::string path, const kube::IngressBackend& backend,
                          std::string field, std::string backend_field) {
    auto route = std::make_shared<RouteSpec>();
    route->kind = kind;
    route->path = std::move(path);
    route->policy = policy_of(route->path);
    route->origin = record_->ref;
    route->created_unix_seconds = record_->created_unix_seconds;
    route->field = std::move(field);
    auto name = backend_name(backend);
    route->backend = name.key();
    const bool again = std::ranges::any_of(
        record_->backends, [&](const auto& use) { return use.field == backend_field; });
    if (!again) {
      record_->backends.push_back({std::move(name), std::move(backend_field)});
    }
    return route;
  }

  [[nodiscard]] std::shared_ptr<const routing::Policy> policy_of(std::string_view path) const {
    const bool is_plain = std::ranges::any_of(
        rules_.plain_paths, [&](const auto& plain) { return path.starts_with(plain); });
    if (!is_plain) {
      return policy_;
    }
    auto policy = *policy_;
    policy.ssl_redirect = false;
    policy.force_ssl_redirect = false;
    return shared_policy(policy);
  }

  [[nodiscard]] BackendName backend_name(const kube::IngressBackend& backend) const {
    const auto& namespace_ = ingress_.meta.namespace_;
    if (backend.is_resource) {
      return {namespace_, "", "resource",
              "the backend is a resource, which Portico does not serve"};
    }
    if (backend.service.empty()) {
      return {namespace_, "", "", "the backend names no Service"};
    }
    if (!backend.port.given()) {
      return {namespace_, backend.service, "none",
              fmt::format("the backend names no port of Service \"{}\"", backend.service)};
    }
    return {namespace_, backend.service, backend.port.to_string(), "", wish_};
  }

  void read_tls(const kube::IngressTls& tls, const std::string& field) {
    TlsEntry entry;
    entry.field = field;
    for (std::size_t i = 0; i < tls.hosts.size(); ++i) {
      const auto host = Hostname::parse(tls.hosts[i]);
      if (!host || host->is_any()) {
        add(Severity::kError, fmt::format("{}.hosts[{}]", field, i),
            fmt::format("\"{}\" is no host: {}", tls.hosts[i], host ? "it is empty" : host.error()),
            "give a DNS name, or one whose first label is *");
        continue;
      }
      entry.hosts.push_back(host->text());
    }
    const auto secret = tls.secret.empty() ? rules_.default_secret
                                           : object_name(ingress_.meta.namespace_, tls.secret);
    if (secret.empty()) {
      add(Severity::kWarning, field + ".secretName",
          "names no Secret: the default certificate is served, and http is not redirected",
          "name a TLS Secret");
      return;
    }
    // Only invalid hosts is not the same as no hosts.
    if (!tls.hosts.empty() && entry.hosts.empty()) {
      return;
    }
    entry.secret = secret;
    record_->tls.push_back(std::move(entry));
  }

  std::vector<RoutePointer>& routes_of(const std::string& host) {
    for (auto& [name, routes] : record_->hosts) {
      if (name == host) {
        return routes;
      }
    }
    return record_->hosts.emplace_back(host, std::vector<RoutePointer>{}).second;
  }

  const kube::Ingress& ingress_;
  const ReadingRules& rules_;
  std::shared_ptr<IngressRecord> record_;
  std::shared_ptr<const routing::Policy> policy_;
  std::shared_ptr<const BackendWish> wish_;
};

}  // namespace

std::string_view without_backend(const IngressRecord& record) {
  return record.canary == nullptr ? "the rule answers 503" : "the main backend serves alone";
}

std::string object_name(std::string_view namespace_, std::string_view name) {
  std::string text;
  text.reserve(namespace_.size() + 1 + name.size());
  text.append(namespace_).append("/").append(name);
  return text;
}

std::string BackendName::key() const {
  auto key = namespace_ + "/" + service + ":" + port;
  if (wish != nullptr) {
    key.append("#").append(wish->text());
  }
  return key;
}

const std::vector<RoutePointer>* IngressRecord::routes_of(std::string_view host) const {
  const auto found = std::ranges::lower_bound(
      hosts, host, {}, [](const auto& entry) -> std::string_view { return entry.first; });
  return found == hosts.end() || found->first != host ? nullptr : &found->second;
}

bool IngressRecord::precedes(const IngressRecord& other) const {
  return std::tie(created_unix_seconds, ref.namespace_, ref.name) <
         std::tie(other.created_unix_seconds, other.ref.namespace_, other.ref.name);
}

Diagnostic about(const IngressRecord& record, Severity severity, std::string field,
                 std::string message, std::string fix) {
  return {.severity = severity,
          .object = record.ref,
          .field = std::move(field),
          .message = std::move(message),
          .fix = std::move(fix),
          .file = record.origin.file == nullptr ? std::string() : *record.origin.file,
          .line = record.origin.line};
}

std::shared_ptr<const IngressRecord> read_ingress(const kube::Ingress& ingress,
                                                  const ReadingRules& rules) {
  Translation translation(ingress, rules);
  const auto reading = translation.judge_class();
  if (reading != Translation::Reading::kNone) {
    translation.read();
  }
  if (reading == Translation::Reading::kCheckOnly) {
    translation.forget_routes();
  }
  return translation.take();
}

bool same_route(const RouteSpec& a, const RouteSpec& b) {
  return a.kind == b.kind && a.path == b.path && a.backend == b.backend &&
         (a.policy == b.policy || *a.policy == *b.policy) && a.origin == b.origin &&
         a.created_unix_seconds == b.created_unix_seconds && a.field == b.field &&
         same_canary(a.canary.get(), b.canary.get());
}

}  // namespace portico::translate
