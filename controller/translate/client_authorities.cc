#include "controller/translate/client_authorities.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tls/client_trust.h"

namespace portico::translate {
namespace {

using routing::ClientVerification;
using routing::HostTls;
using routing::Severity;

constexpr std::string_view kField = "metadata.annotations[auth-tls-secret]";

// The first by precedence of those that `asks` is true of.
template <class Asks>
const IngressRecord* first_of(std::span<const IngressRecord* const> records, Asks asks) {
  const IngressRecord* first = nullptr;
  for (const auto* record : records) {
    if (record->tls_reading.is_given && asks(*record) &&
        (first == nullptr || record->precedes(*first))) {
      first = record;
    }
  }
  return first;
}

// Names authorities of its own, and looks at certificates by them.
bool asks_by_its_own(const HostTls& own) {
  return own.has_authorities() &&
         (own.verify != ClientVerification::kOff || !own.subject.text().empty());
}

// What a record demands of clients and the host does not; empty: nothing. Where it only asks, its
// backend still goes by ssl-client-verify, which must not speak of another's authorities.
std::string_view unmet_demand(const HostTlsReading& reading, const HostTls& own,
                              const HostTls& host) {
  const bool demands_one =
      own.verify == ClientVerification::kOn || reading.verify == ClientVerification::kOn;
  if (demands_one && host.verify != ClientVerification::kOn) {
    return "certificates are not demanded";
  }
  const bool same_authorities = own.authorities_pem == host.authorities_pem &&
                                own.revocations_pem == host.revocations_pem &&
                                own.verify_depth >= host.verify_depth;
  if (asks_by_its_own(own) && host.verify != ClientVerification::kOff && !same_authorities) {
    return "certificates are judged by other authorities, CRLs or a greater depth";
  }
  if (!own.subject.text().empty() && own.subject != host.subject) {
    return "another subject is asked for";
  }
  return {};
}

// In what clients and backends notice of auth-tls-*.
bool asks_alike(HostTls own, const HostTls& host) {
  own.authority_secret = host.authority_secret;
  own.ciphers = host.ciphers;
  own.prefer_server_ciphers = host.prefer_server_ciphers;
  return own == host;
}

HostTls refused(std::string because) {
  HostTls tls;
  tls.refused_because = std::move(because);
  return tls;
}

}  // namespace

bool ClientAuthorities::add(const IngressRecord& record) {
  if (!record.tls_reading.is_given) {
    return false;
  }
  of_records_.emplace(&record, nullptr);
  const auto& secret = record.tls_reading.tls.authority_secret;
  if (secret.empty()) {
    return false;
  }
  auto& users = by_secret_[secret];
  users.insert(&record);
  return users.size() == 1;
}

bool ClientAuthorities::remove(const IngressRecord& record) {
  if (of_records_.erase(&record) == 0) {
    return false;
  }
  const auto found = by_secret_.find(record.tls_reading.tls.authority_secret);
  if (found == by_secret_.end()) {
    return false;
  }
  found->second.erase(&record);
  if (!found->second.empty()) {
    return false;
  }
  by_secret_.erase(found);
  return true;
}

const ClientAuthorities::RecordSet& ClientAuthorities::touch_secret(std::string_view key) {
  static const RecordSet kNobody;
  const auto found = by_secret_.find(key);
  if (found == by_secret_.end()) {
    return kNobody;
  }
  for (const auto* record : found->second) {
    of_records_[record] = nullptr;
  }
  return found->second;
}

const HostTlsPointer& ClientAuthorities::of_record(const IngressRecord& record) {
  auto& tls = of_records_[&record];
  if (tls == nullptr) {
    tls = std::make_shared<const HostTls>(resolve(record));
  }
  return tls;
}

HostTls ClientAuthorities::resolve(const IngressRecord& record) const {
  auto tls = record.tls_reading.tls;
  if (!tls.refused_because.empty() || tls.authority_secret.empty()) {
    return tls;
  }
  const auto secret = state_.secret(tls.authority_secret);
  if (secret == nullptr) {
    tls.refused_because = fmt::format("there is no Secret \"{}\"", tls.authority_secret);
    return tls;
  }
  const auto entry = [&secret](std::string_view name) {
    const auto found = secret->data.find(name);
    return found == secret->data.end() ? std::string() : found->second;
  };
  tls.authorities_pem = entry("ca.crt");
  tls.revocations_pem = entry("ca.crl");
  const auto trust = tls::ClientTrust::create(std::make_shared<const HostTls>(tls));
  if (!trust) {
    const auto& problem = tls.authorities_pem.empty() ? "it has no ca.crt" : trust.error();
    tls.refused_because = fmt::format("Secret \"{}\": {}", tls.authority_secret, problem);
    tls.authorities_pem.clear();
    tls.revocations_pem.clear();
  }
  return tls;
}

HostTlsPointer ClientAuthorities::of_host(std::span<const IngressRecord* const> records) {
  const auto* closing = first_of(
      records, [this](const auto& record) { return !of_record(record)->refused_because.empty(); });
  if (closing != nullptr) {
    return std::make_shared<const HostTls>(refused(
        fmt::format("{} (of {})", of_record(*closing)->refused_because, closing->ref.to_string())));
  }
  const auto* asking = first_of(
      records, [this](const auto& record) { return of_record(record)->has_authorities(); });
  const auto* demanding = first_of(
      records, [](const auto& record) { return record.tls_reading.demands_certificates(); });
  if (asking == nullptr && demanding != nullptr) {
    return std::make_shared<const HostTls>(refused(fmt::format(
        "{} demands client certificates without auth-tls-secret", demanding->ref.to_string())));
  }
  const auto* ciphers =
      first_of(records, [](const auto& record) { return !record.tls_reading.tls.ciphers.empty(); });
  const auto* order = first_of(records, [](const auto& record) {
    return record.tls_reading.tls.prefer_server_ciphers.has_value();
  });
  if (asking == nullptr && ciphers == nullptr && order == nullptr) {
    return nullptr;
  }
  if (asking != nullptr && (ciphers == nullptr || ciphers == asking) &&
      (order == nullptr || order == asking)) {
    return of_record(*asking);
  }
  HostTls tls = asking == nullptr ? HostTls() : *of_record(*asking);
  tls.ciphers = ciphers == nullptr ? "" : ciphers->tls_reading.tls.ciphers;
  tls.prefer_server_ciphers =
      order == nullptr ? std::nullopt : order->tls_reading.tls.prefer_server_ciphers;
  return std::make_shared<const HostTls>(std::move(tls));
}

std::vector<ClientAuthorities::Overruled> ClientAuthorities::overruled(
    std::span<const IngressRecord* const> records, const HostTls& host) {
  constexpr const char* kFix = "give both Ingresses the same auth-tls annotations";
  std::vector<Overruled> overruled;
  if (!host.refused_because.empty() || !host.has_authorities()) {
    return overruled;  // it is closed, or nobody asks for certificates
  }
  const auto* deciding = first_of(
      records, [this](const auto& record) { return of_record(record)->has_authorities(); });
  for (const auto* record : records) {
    if (record == deciding || !record->tls_reading.is_given) {
      continue;
    }
    const auto& own = *of_record(*record);
    const auto unmet = unmet_demand(record->tls_reading, own, host);
    if (!unmet.empty()) {
      auto because = fmt::format("the auth-tls annotations of {} hold for the whole host: {}",
                                 deciding->ref.to_string(), unmet);
      auto finding = about(*record, Severity::kError, std::string(kField),
                           because + ", so the paths of this Ingress answer 503", kFix);
      overruled.push_back({record, std::move(because), std::move(finding)});
    } else if (own.has_authorities() && !asks_alike(own, host)) {
      overruled.push_back(
          {record,
           {},
           about(*record, Severity::kWarning, std::string(kField),
                 fmt::format("the auth-tls annotations of {} hold for the whole host, not these",
                             deciding->ref.to_string()),
                 kFix)});
    }
  }
  return overruled;
}

routing::Diagnostics ClientAuthorities::findings(const IngressRecord& record) {
  routing::Diagnostics diagnostics;
  const auto& reading = record.tls_reading;
  const auto& tls = *of_record(record);
  // What the annotations alone say has been told with them.
  if (!tls.refused_because.empty() && reading.tls.refused_because.empty()) {
    diagnostics.push_back(about(
        record, Severity::kError, std::string(kField),
        fmt::format("{}: all requests for its hosts answer 403", tls.refused_because),
        "give the Secret the authorities' certificates as ca.crt, and CRLs, if any, as ca.crl"));
  }
  if (reading.tls.authority_secret.empty() && reading.demands_certificates()) {
    diagnostics.push_back(
        about(record, Severity::kError, std::string(kField),
              "client certificates are demanded, but no Secret with authorities is named: unless "
              "another Ingress names one for its hosts, they answer 403",
              "add the annotation auth-tls-secret"));
  }
  return diagnostics;
}

}  // namespace portico::translate
