#include "controller/translate/certificate_claims.h"

#include <algorithm>

#include <fmt/format.h>

#include "routing/hostname.h"

namespace portico::translate {
namespace {

using routing::Severity;

bool lists(const IngressRecord& record, std::string_view host) {
  return std::ranges::any_of(record.tls, [&](const TlsEntry& entry) {
    return std::ranges::find(entry.hosts, host) != entry.hosts.end();
  });
}

}  // namespace

void CertificateClaims::claim(const IngressRecord& record, NameSet& touched) {
  for (const auto& entry : record.tls) {
    for (const auto& host : entry.hosts) {
      add(host, {&record, &entry}, touched);
    }
  }
  if (record.tls.empty()) {
    return;
  }
  for (const auto& [host, routes] : record.hosts) {
    // A listed wildcard already serves the names below it.
    const auto suffix = routing::wildcard_suffix(host);
    if (host.empty() || lists(record, host) ||
        (!suffix.empty() && lists(record, "*" + std::string(suffix)))) {
      continue;
    }
    if (const auto* entry = covering_entry(record, host)) {
      add(host, {&record, entry}, touched);
    }
  }
}

void CertificateClaims::add(const std::string& server_name, const Claim& claim, NameSet& touched) {
  auto& claims = by_name_[server_name];
  const auto place = std::ranges::find_if(
      claims, [&](const Claim& other) { return claim.record->precedes(*other.record); });
  claims.insert(place, claim);
  names_of_[claim.record].push_back(server_name);
  touched.insert(server_name);
}

void CertificateClaims::release(const IngressRecord& record, NameSet& touched) {
  const auto names = names_of_.extract(&record);
  if (names.empty()) {
    return;
  }
  for (const auto& name : names.mapped()) {
    touched.insert(name);
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) {
      continue;  // claimed by two entries, and gone with the first
    }
    std::erase_if(found->second, [&](const Claim& claim) { return claim.record == &record; });
    if (found->second.empty()) {
      by_name_.erase(found);
    }
  }
}

const TlsEntry* CertificateClaims::covering_entry(const IngressRecord& record,
                                                  const std::string& host) {
  for (const auto& entry : record.tls) {
    const auto* facts = secrets_.facts(entry.secret, true);
    if (facts != nullptr && tls::covers(*facts, host)) {
      return &entry;
    }
  }
  return nullptr;
}

CertificateClaims::Choice CertificateClaims::choose(const std::string& server_name,
                                                    const CertificatePointer& current) {
  Choice choice;
  const auto found = by_name_.find(server_name);
  if (found == by_name_.end()) {
    return choice;
  }
  bool any_bad = false;
  for (const auto& claim : found->second) {
    const auto& view = secrets_.view(claim.entry->secret);
    any_bad = any_bad || !view.problem.empty();
    if (view.serves != nullptr) {
      choice.certificate = view.serves;
      report(server_name, found->second, claim, choice.diagnostics);
      return choice;
    }
  }
  if (any_bad) {
    choice.certificate = current;
  }
  return choice;
}

void CertificateClaims::report(const std::string& server_name, const std::vector<Claim>& claims,
                               const Claim& winner, routing::Diagnostics& diagnostics) {
  const auto* facts = secrets_.facts(winner.entry->secret, checking_);
  if (facts != nullptr && !tls::covers(*facts, server_name)) {
    diagnostics.push_back(about(
        *winner.record, checking_ ? Severity::kError : Severity::kWarning,
        winner.entry->field + ".secretName",
        fmt::format("the certificate of Secret \"{}\" does not cover host \"{}\"; it covers: {}",
                    winner.entry->secret, server_name, fmt::join(facts->names, ", ")),
        "use a certificate that names the host; until then clients are shown this one and will "
        "refuse it"));
  }
  for (const auto& claim : claims) {
    if (claim.entry->secret != winner.entry->secret) {
      diagnostics.push_back(about(*claim.record, Severity::kWarning, claim.entry->field,
                                  fmt::format("host \"{}\" has the certificate of Secret \"{}\" "
                                              "already, by {}: Secret \"{}\" is not used "
                                              "for it",
                                              server_name, winner.entry->secret,
                                              winner.record->ref.to_string(), claim.entry->secret),
                                  "name the host in one tls entry only"));
    }
  }
}

routing::Diagnostics CertificateClaims::missing_secrets(const IngressRecord& record) {
  routing::Diagnostics diagnostics;
  for (const auto& entry : record.tls) {
    if (!secrets_.view(entry.secret).exists()) {
      diagnostics.push_back(about(
          record, Severity::kError, entry.field + ".secretName",
          fmt::format("there is no Secret \"{}\"", entry.secret),
          "create it, of type kubernetes.io/tls; until then the default certificate is served"));
    }
  }
  return diagnostics;
}

routing::Diagnostics CertificateClaims::bad_secret(const std::string& key,
                                                   const IngressRecord& user) {
  return bad_secret(key, user.ref.to_string());
}

routing::Diagnostics CertificateClaims::bad_default(const std::string& key) {
  if (secrets_.view(key).exists()) {
    return bad_secret(key, "--default-ssl-certificate");
  }
  const auto slash = key.find('/');
  return {{.severity = Severity::kError,
           .object = {kube::Secret::kKind, key.substr(0, slash), key.substr(slash + 1)},
           .field = "--default-ssl-certificate",
           .message = fmt::format(
               "there is no Secret \"{}\": the self-signed certificate is the default", key),
           .fix = "create it, of type kubernetes.io/tls, or correct the flag"}};
}

// An OCSP response that is no use: the certificate serves without it.
routing::Diagnostics CertificateClaims::bad_staple(const std::string& key) {
  const auto* facts = secrets_.facts(key, false);
  if (facts == nullptr || facts->staple_problem.empty()) {
    return {};
  }
  const auto& origin = secrets_.view(key).secret->meta.origin;
  const auto slash = key.find('/');
  return {{.severity = Severity::kWarning,
           .object = {kube::Secret::kKind, key.substr(0, slash), key.substr(slash + 1)},
           .field = "data[tls.ocsp]",
           .message = fmt::format("{}: it is not stapled", facts->staple_problem),
           .fix = "give the response of the certificate's OCSP responder, in DER, and the issuer's "
                  "certificate in tls.crt",
           .file = origin.file == nullptr ? std::string() : *origin.file,
           .line = origin.line}};
}

routing::Diagnostics CertificateClaims::bad_secret(const std::string& key,
                                                   const std::string& user) {
  const auto& view = secrets_.view(key);
  if (view.problem.empty()) {
    return bad_staple(key);
  }
  const auto& origin = view.secret->meta.origin;
  const auto slash = key.find('/');
  return {{.severity = Severity::kError,
           .object = {kube::Secret::kKind, key.substr(0, slash), key.substr(slash + 1)},
           .field = std::string(view.field),
           .message = fmt::format("{}: it can't be served for {}", view.problem, user),
           .fix = view.serves == nullptr
                      ? "correct the Secret"
                      : "correct the Secret; its last good certificate is served",
           .file = origin.file == nullptr ? std::string() : *origin.file,
           .line = origin.line}};
}

}  // namespace portico::translate
