#include "controller/translate/secret_certificates.h"

#include <expected>

#include <fmt/format.h>

namespace portico::translate {
namespace {

using routing::CertificateSpec;

// Enough to tell a TLS Secret from anything else without parsing it.
std::expected<CertificatePointer, std::string> read_pair(const kube::Secret& secret) {
  if (!secret.type.empty() && secret.type != "kubernetes.io/tls" && secret.type != "Opaque") {
    return std::unexpected(fmt::format("its type is \"{}\", not kubernetes.io/tls", secret.type));
  }
  if (secret.pair != nullptr) {
    return secret.pair;
  }
  for (const auto* entry : {"tls.crt", "tls.key"}) {
    if (!secret.data.contains(entry)) {
      return std::unexpected(fmt::format("it has no {}", entry));
    }
  }
  const bool is_certificate = secret.data.at("tls.crt").find("-----BEGIN ") != std::string::npos;
  return std::unexpected(is_certificate ? "tls.key holds no PEM key"
                                        : "tls.crt holds no PEM certificate");
}

// Problems begin with the entry at fault.
std::string_view field_of(std::string_view problem) {
  if (problem.starts_with("tls.crt")) {
    return "data[tls.crt]";
  }
  if (problem.starts_with("tls.key")) {
    return "data[tls.key]";
  }
  return problem.starts_with("its type") ? "type" : "data";
}

void set_problem(SecretCertificates::View& view, std::string problem) {
  view.field = field_of(problem);
  view.problem = std::move(problem);
}

}  // namespace

void SecretCertificates::set(const std::string& key, std::shared_ptr<const kube::Secret> secret) {
  if (secret == nullptr) {
    entries_.erase(key);
    return;
  }
  auto& entry = entries_[key];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>();
  }
  entry->view.secret = std::move(secret);
  entry->judged = false;
}

const SecretCertificates::View& SecretCertificates::view(const std::string& key) {
  static const View kMissing;
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    return kMissing;
  }
  judge(*found->second);
  return found->second->view;
}

const tls::CertificateFacts* SecretCertificates::facts(const std::string& key, bool look) {
  const auto& seen = view(key);
  if (seen.serves == nullptr) {
    return nullptr;
  }
  auto& entry = *entries_.find(key)->second;
  if (!entry.facts && look) {
    auto facts = tls::inspect(*seen.serves);
    if (!facts) {
      // It was let through unlooked at, and serves nobody: the TLS side would not have it either.
      set_problem(entry.view, facts.error());
      entry.view.serves = nullptr;
      return nullptr;
    }
    entry.facts = std::make_unique<const tls::CertificateFacts>(std::move(*facts));
  }
  return entry.facts.get();
}

void SecretCertificates::judge(Entry& entry) {
  if (entry.judged) {
    return;
  }
  entry.judged = true;
  entry.view.problem.clear();
  auto pair = read_pair(*entry.view.secret);
  if (!pair) {
    set_problem(entry.view, std::move(pair.error()));
    return;
  }
  if (entry.view.serves != nullptr && *entry.view.serves == **pair) {
    return;  // the same bytes keep their pointer, and so their connections' sessions
  }
  if (entry.view.serves == nullptr && inspections_left_ == 0) {
    entry.view.serves = std::move(*pair);
    return;
  }
  inspections_left_ -= inspections_left_ > 0 ? 1 : 0;
  auto facts = tls::inspect(**pair);
  if (!facts) {
    set_problem(entry.view, std::move(facts.error()));
    return;
  }
  entry.facts = std::make_unique<const tls::CertificateFacts>(std::move(*facts));
  entry.view.serves = std::move(*pair);
}

}  // namespace portico::translate
