#include "controller/cli/explanation.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "controller/cli/balance_words.h"
#include "controller/cli/canary_words.h"
#include "controller/cli/check_words.h"
#include "controller/cli/circuit_words.h"
#include "controller/cli/explain_clients.h"
#include "controller/cli/finding_line.h"
#include "controller/cli/weight_words.h"
#include "controller/kube/locator.h"
#include "routing/explain.h"
#include "routing/match_rank.h"
#include "routing/retry_words.h"
#include "routing/route_table.h"

namespace portico::cli {
namespace {

using routing::Candidate;
using routing::Policy;
using routing::RouteSpec;
using routing::Snapshot;

std::string wildcard_above(std::string_view host) {
  const auto suffix = routing::wildcard_suffix(host);
  return suffix.empty() ? std::string() : "*" + std::string(suffix);
}

// Only what may serve `host`: a running one is asked while it has other things to do.
routing::RouteTable compile(const Snapshot& snapshot, const std::string& host) {
  // Backends are looked up by their key here; the table's own numbers are not used.
  const auto resolve = [](std::string_view) { return routing::BackendId{}; };
  routing::RouteTable table;
  for (const auto& name : {host, wildcard_above(host), std::string()}) {
    if (const auto* spec = snapshot.hosts.find(name)) {
      table.set_host(name, routing::HostRoutes::compile(*spec, resolve));
    }
  }
  if (const auto& route = snapshot.default_route) {
    table.set_default(
        std::make_shared<const routing::Route>(routing::compile_route(route, resolve, nullptr)));
  }
  return table;
}

std::string_view host_kind(std::string_view rule_host) {
  if (rule_host.empty()) {
    return "any host";
  }
  return rule_host.starts_with("*.") ? "wildcard host" : "exact host";
}

std::string endpoints_text(const routing::BackendSpec& backend, bool far) {
  std::string text;
  for (const auto& endpoint : backend.endpoints) {
    if (endpoint.is_far != far) {
      continue;
    }
    text += text.empty() ? "" : ", ";
    text += endpoint.address.find(':') == std::string::npos ? endpoint.address
                                                            : "[" + endpoint.address + "]";
    text += fmt::format(":{}", endpoint.port);
    text += endpoint.pod.empty() ? "" : fmt::format(" ({})", endpoint.pod);
  }
  return text;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::uint64_t kMebi = 1024 * 1024;
  if (bytes == 0) {
    return "unlimited";
  }
  return bytes % kMebi == 0 ? fmt::format("{} MiB", bytes / kMebi) : fmt::format("{} bytes", bytes);
}

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{} s", std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

std::string retries_text(const routing::RetryPolicy& retries) {
  if (retries.on.empty()) {
    return "off";
  }
  std::string text = "after";
  for (const auto& [word, on] : routing::kRetryWords) {
    if (on != routing::RetryOn::kNonIdempotent && retries.on.has(on)) {
      text.append(" ").append(word);
    }
  }
  text += retries.tries == 0 ? ", as many tries as endpoints"
                             : fmt::format(", {} tries", retries.tries);
  if (retries.timeout.count() != 0) {
    text += fmt::format(", begun within {}", seconds_text(retries.timeout));
  }
  return text + (retries.repeats_any_method() ? ", whatever the method" : "");
}

class Explanation {
 public:
  Explanation(const ExplainUrl& url, const translate::Translator& translator,
              routing::Diagnostics findings, const EndpointsText& ejected, const EndpointsText& ill)
      : url_(url),
        translator_(translator),
        snapshot_(translator.snapshot()),
        findings_(std::move(findings)),
        ejected_(ejected),
        ill_(ill),
        table_(compile(snapshot_, url.host)),
        is_passed_through_(url.is_https && is_passed_through(table_, url.host)),
        request_{.host = url.host,
                 .path = is_passed_through_ ? std::string_view("/") : url.matched},
        match_(table_.match(request_)),
        candidates_(routing::explain(table_, request_)) {}

  ExplanationText text() {
    line("request",
         fmt::format("{} {}, path {}", url_.is_https ? "https" : "http", url_.host, url_.matched));
    if (url_.upstream != url_.target && !is_passed_through_) {
      line("sent on as", url_.upstream);
    }
    const auto* winner = find_winner();
    if (winner == nullptr) {
      print_clients();
      const auto refusal = refusal_of_client(nullptr);
      line("answer",
           refusal.empty() ? "404: no rule matches and there is no default backend" : refusal);
    } else {
      print_winner(*winner);
    }
    print_candidates();
    print_findings();
    return {.text = std::move(out_), .is_served = winner != nullptr};
  }

 private:
  // TLS connections are told by their server name alone, before any path is known.
  static bool is_passed_through(const routing::RouteTable& table, const std::string& host) {
    const auto* route = table.match({.host = host, .path = "/"}).route;
    return route != nullptr && route->host_ssl_passthrough;
  }

  void line(std::string_view name, std::string_view text) {
    out_ += fmt::format("{:<12} {}\n", name, text);
  }

  [[nodiscard]] const Candidate* find_winner() const {
    for (const auto& candidate : candidates_) {
      if (candidate.verdict == routing::Verdict::kWins) {
        return &candidate;
      }
    }
    return nullptr;
  }

  void print_winner(const Candidate& winner) {
    const auto& spec = *winner.route->spec;
    const bool is_default = winner.route == table_.default_route();
    line("served by", fmt::format("{}, {}", spec.origin.to_string(), spec.field));
    line("rule", is_default ? std::string("the default backend: no rule matches")
                            : fmt::format("{}{}{}, {} {}", host_kind(winner.host),
                                          winner.host.empty() ? "" : " ", winner.host,
                                          routing::to_string(spec.kind), spec.path));
    print_backend(spec);
    print_canary(spec);
    if (is_passed_through_) {
      const auto failure = failure_of_backend(spec);
      line("answer", failure.empty() ? "the backend's: TLS is handed on unopened, whatever the path"
                                     : "none: " + failure);
      return;
    }
    print_certificate();
    print_clients();
    line("answer", answer(*winner.route));
    print_policy(*spec.policy);
    print_compression();
  }

  void print_backend(const RouteSpec& spec) {
    line("backend", std::string(routing::BackendSpec::name_of(spec.backend)));
    const auto* backend = snapshot_.backends.find(spec.backend);
    if (backend == nullptr) {
      return;
    }
    if (const auto speech = speech_of(*backend); !speech.empty() && !is_passed_through_) {
      line("protocol", speech);
    }
    if (!backend->missing_because.empty()) {
      line("endpoints", "none: " + backend->missing_because);
      return;
    }
    const auto near = endpoints_text(*backend, false);
    const auto far = endpoints_text(*backend, true);
    line("endpoints", near.empty() ? no_endpoints(*backend) : near);
    if (!far.empty()) {
      line("far", far + ": where no near one serves");
    }
    const auto by_default = snapshot_.settings->load_balance;
    const auto balancing = balance_words(backend->balance.get(), by_default);
    if (!balancing.empty()) {
      const auto service = service_of(*backend);
      const bool is_services = service != nullptr && is_asked_by(*service, balancing, by_default);
      line("balancing", balancing + (is_services ? ", as the Service asks" : ""));
    }
    if (const auto weights = weight_words(*backend); !weights.empty()) {
      line("weights", weights);
    }
    if (const auto slowly = slow_start_words(backend->balance.get(), *snapshot_.settings);
        !slowly.empty()) {
      line("slow start", slowly);
    }
    const auto limits = circuit_words(backend->balance.get(), snapshot_.settings->circuit);
    if (!limits.empty() && !is_passed_through_) {
      line("limits", limits);
    }
    if (const auto checks = check_words(backend->balance.get()); !checks.empty()) {
      line("checks", checks);
    }
    if (const auto out = ejected_ ? ejected_(spec.backend) : std::string(); !out.empty()) {
      line("ejected", out + ": they fail, and are tried again later");
    }
    if (const auto ill = ill_ ? ill_(spec.backend) : std::string(); !ill.empty()) {
      line("unhealthy", ill + ": their health checks fail");
    }
  }

  void print_canary(const RouteSpec& main) {
    if (main.canary == nullptr || is_passed_through_) {
      return;
    }
    const auto& route = *main.canary->route;
    const auto failure = failure_of_backend(route);
    const auto* backend = snapshot_.backends.find(main.backend);
    const bool is_sticky =
        backend != nullptr && backend->balance != nullptr && backend->balance->affinity;
    line("canary", fmt::format("{}, backend {}: {}", route.origin.to_string(),
                               routing::BackendSpec::name_of(route.backend),
                               failure.empty() ? canary_words(main.canary->rule, is_sticky)
                                               : "no request, because " + failure));
  }

  // Empty for what goes without saying.
  [[nodiscard]] static std::string speech_of(const routing::BackendSpec& backend) {
    const bool is_h2 = backend.protocol == routing::BackendProtocol::kHttp2;
    if (!backend.denied_because.empty()) {
      return "denied: " + backend.denied_because;
    }
    if (backend.tls == nullptr) {
      return is_h2 ? "HTTP/2" : "";
    }
    return fmt::format("{} over TLS{}, {}", is_h2 ? "HTTP/2" : "HTTP/1.1",
                       backend.tls_like_client ? " for requests that came by TLS" : "",
                       backend.tls->verifies ? "verified as " + backend.tls->name : "unverified");
  }

  [[nodiscard]] std::shared_ptr<const kube::Service> service_of(
      const routing::BackendSpec& backend) const {
    return translator_.state().service(translate::object_name(backend.namespace_, backend.service));
  }

  [[nodiscard]] std::string no_endpoints(const routing::BackendSpec& backend) const {
    const auto service = service_of(backend);
    if (service != nullptr && translate::is_external_name(*service)) {
      return fmt::format("what {} resolves to while serving", service->external_name);
    }
    return "none ready";
  }

  void print_certificate() {
    if (!url_.is_https) {
      return;
    }
    for (const auto& name : {url_.host, wildcard_above(url_.host)}) {
      if (const auto* certificate = snapshot_.certificates.find(name)) {
        line("certificate", fmt::format("Secret {}, for {}", certificate->secret, name));
        return;
      }
    }
    line("certificate", "the default one: no tls entry names the host");
  }

  [[nodiscard]] std::string answer(const routing::Route& route) const {
    const auto& policy = *route.spec->policy;
    if (!policy.denied_because.empty()) {
      return "503: " + policy.denied_because;
    }
    if (!url_.is_https &&
        (policy.force_ssl_redirect || (policy.ssl_redirect && route.host_has_certificate))) {
      return fmt::format("308 to https://{} ({})", url_.host,
                         policy.force_ssl_redirect
                             ? "force-ssl-redirect"
                             : "ssl-redirect, and the host has a certificate");
    }
    if (const auto refusal = refusal_of_client(&route); !refusal.empty()) {
      return refusal;
    }
    const auto failure = failure_of_backend(*route.spec);
    return failure.empty() ? "the backend's" : "503: " + failure;
  }

  [[nodiscard]] std::string failure_of_backend(const RouteSpec& spec) const {
    const auto* backend = snapshot_.backends.find(spec.backend);
    if (backend == nullptr || !backend->missing_because.empty()) {
      return "the backend is missing";
    }
    if (!backend->denied_because.empty()) {
      return backend->denied_because;
    }
    return backend->endpoints.empty() && no_endpoints(*backend) == "none ready"
               ? "no endpoint is ready"
               : "";
  }

  // The host that the request names, and the one whose rule serves it, where that is another.
  [[nodiscard]] std::vector<const routing::HostTls*> client_rules() const {
    std::vector<const routing::HostTls*> rules;
    for (const auto* host : {match_.nearest, match_.owner}) {
      const auto* tls = host == nullptr ? nullptr : host->tls();
      if (tls != nullptr && std::ranges::find(rules, tls) == rules.end()) {
        rules.push_back(tls);
      }
    }
    return rules;
  }

  void print_clients() {
    for (const auto* rule : client_rules()) {
      if (const auto asked = certificates_asked(*rule); !asked.empty()) {
        line("clients", asked);
      }
    }
  }

  // What every client is answered whatever it shows; of plain HTTP, where none is shown.
  [[nodiscard]] std::string refusal_of_client(const routing::Route* route) const {
    const bool is_plain =
        !url_.is_https && route != nullptr &&
        std::ranges::any_of(snapshot_.settings->plain_paths, [&](const std::string& plain) {
          return route->spec->path.starts_with(plain);
        });
    for (const auto* rule : client_rules()) {
      const bool is_told = !url_.is_https || !rule->refused_because.empty();
      const auto refusal = is_told && !is_plain ? answer_without_certificate(*rule) : "";
      if (!refusal.empty()) {
        return refusal;
      }
    }
    return {};
  }

  void print_policy(const Policy& policy) {
    line("policy",
         fmt::format("request body {}, connect {}, send {}, read {}",
                     size_text(policy.max_body_bytes), seconds_text(policy.connect_timeout),
                     seconds_text(policy.send_timeout), seconds_text(policy.read_timeout)) +
             (policy.request_timeout.count() == 0
                  ? ""
                  : ", in all " + seconds_text(policy.request_timeout)));
    if (policy.retries != routing::RetryPolicy()) {
      line("retries", retries_text(policy.retries));
    }
  }

  void print_compression() {
    const auto& settings = snapshot_.settings->compression;
    std::string codings = settings.zstd.enabled ? "zstd" : "";
    for (const auto& [name, coding] :
         {std::pair{"br", &settings.brotli}, std::pair{"gzip", &settings.gzip}}) {
      if (coding->enabled) {
        codings += codings.empty() ? name : fmt::format(", {}", name);
      }
    }
    if (!codings.empty()) {
      line("compression", codings + ", by Accept-Encoding, type and size of the answer");
    }
  }

  void print_candidates() {
    out_ += "\nconsidered, in order of precedence:\n";
    for (const auto& candidate : candidates_) {
      const bool is_default = candidate.route == table_.default_route();
      out_ += fmt::format("  {:<24} {} ({})\n",
                          is_default ? "-" : (candidate.host.empty() ? "any host" : candidate.host),
                          candidate.text, candidate.route->spec->field);
    }
    if (candidates_.empty()) {
      out_ += "  nothing: no rule is for this host, its wildcard or any host\n";
    }
  }

  void add_backend(const std::string& key, std::set<routing::ObjectRef>& relevant) const {
    const auto* backend = snapshot_.backends.find(key);
    if (backend == nullptr) {
      return;
    }
    const auto& namespace_ = backend->namespace_;
    relevant.insert({kube::Service::kKind, namespace_, backend->service});
    for (const auto* slice :
         translator_.state().slices_of(translate::object_name(namespace_, backend->service))) {
      relevant.insert({kube::EndpointSlice::kKind, namespace_, slice->meta.name});
    }
  }

  // Of the Ingresses that were considered, with their Services and slices, and of those that name
  // the host but are not served, with their Secrets.
  void print_findings() {
    std::set<routing::ObjectRef> relevant;
    for (const auto& candidate : candidates_) {
      const auto& spec = *candidate.route->spec;
      relevant.insert(spec.origin);
      add_backend(spec.backend, relevant);
      if (spec.canary != nullptr) {
        add_backend(spec.canary->route->backend, relevant);
      }
    }
    for (const auto& [key, ingress] : translator_.state().ingresses()) {
      if (!names_host(*ingress)) {
        continue;
      }
      relevant.insert({kube::Ingress::kKind, ingress->meta.namespace_, ingress->meta.name});
      for (const auto& entry : ingress->tls) {
        relevant.insert({kube::Secret::kKind, ingress->meta.namespace_, entry.secret});
      }
    }
    // What could not be read might have named the host.
    std::erase_if(findings_, [&](const routing::Diagnostic& finding) {
      return !relevant.contains(finding.object) && !finding.object.name.empty();
    });
    kube::Locator().locate(findings_);
    out_ += findings_.empty() ? "" : "\nignored or worth knowing:\n";
    for (const auto& finding : findings_) {
      out_ += fmt::format("  {}\n", finding_line(finding));
    }
  }

  [[nodiscard]] bool names_host(const kube::Ingress& ingress) const {
    for (const auto& rule : ingress.rules) {
      const auto host = routing::Hostname::parse(rule.host);
      if (host && (host->is_any() || host->text() == url_.host ||
                   host->text() == wildcard_above(url_.host))) {
        return true;
      }
    }
    return false;
  }

  const ExplainUrl& url_;
  const translate::Translator& translator_;
  const Snapshot& snapshot_;
  routing::Diagnostics findings_;
  const EndpointsText& ejected_;
  const EndpointsText& ill_;
  routing::RouteTable table_;
  bool is_passed_through_;
  routing::RouteRequest request_;
  routing::RouteTable::Match match_;
  std::vector<Candidate> candidates_;
  std::string out_;
};

}  // namespace

ExplanationText explain(const ExplainUrl& url, const translate::Translator& translator,
                        routing::Diagnostics findings, const EndpointsText& ejected,
                        const EndpointsText& ill) {
  return Explanation(url, translator, std::move(findings), ejected, ill).text();
}

}  // namespace portico::cli
