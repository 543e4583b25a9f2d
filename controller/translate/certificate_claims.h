// Which certificate each server name gets, by the tls entries of all Ingresses.
#pragma once

#include <string>
#include <vector>

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include "controller/translate/ingress_record.h"
#include "controller/translate/secret_certificates.h"
#include "routing/diagnostic.h"

namespace portico::translate {

using NameSet = absl::btree_set<std::string>;

// A tls entry claims the hosts it lists. A rule's host that no entry of its Ingress lists is
// claimed by the first entry whose certificate covers it, as in ingress-nginx. Of several claims to
// a name the oldest Ingress's usable one wins.
//
// Lifetime: records are borrowed between claim() and release().
class CertificateClaims {
 public:
  CertificateClaims(SecretCertificates& secrets, bool checking)
      : secrets_(secrets), checking_(checking) {}

  // Both add the server names whose choice may change.
  void claim(const IngressRecord& record, NameSet& touched);
  void release(const IngressRecord& record, NameSet& touched);

  struct Choice {
    CertificatePointer certificate;  // null: the default one
    routing::Diagnostics diagnostics;
  };
  // `current` is what the name has now, kept while every Secret that claims it is bad; may be null.
  [[nodiscard]] Choice choose(const std::string& server_name, const CertificatePointer& current);

  // The Secrets that one Ingress names and there are not.
  [[nodiscard]] routing::Diagnostics missing_secrets(const IngressRecord& record);
  // What is wrong with a Secret that `user` and others name.
  [[nodiscard]] routing::Diagnostics bad_secret(const std::string& key, const IngressRecord& user);
  // What is wrong with the Secret of --default-ssl-certificate.
  [[nodiscard]] routing::Diagnostics bad_default(const std::string& key);

 private:
  struct Claim {
    const IngressRecord* record = nullptr;
    const TlsEntry* entry = nullptr;
  };
  [[nodiscard]] routing::Diagnostics bad_secret(const std::string& key, const std::string& user);
  [[nodiscard]] routing::Diagnostics bad_staple(const std::string& key);
  void add(const std::string& server_name, const Claim& claim, NameSet& touched);
  const TlsEntry* covering_entry(const IngressRecord& record, const std::string& host);
  void report(const std::string& server_name, const std::vector<Claim>& claims, const Claim& winner,
              routing::Diagnostics& diagnostics);

  SecretCertificates& secrets_;
  bool checking_;
  absl::flat_hash_map<std::string, std::vector<Claim>, routing::StringHash, std::equal_to<>>
      by_name_;
  absl::flat_hash_map<const IngressRecord*, std::vector<std::string>> names_of_;
};

}  // namespace portico::translate
