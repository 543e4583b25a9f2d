// TLS Secrets as certificates: what is served of each, also while its newest version is bad.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "controller/kube/objects.h"
#include "routing/shared_map.h"
#include "routing/snapshot.h"
#include "tls/inspect.h"

namespace portico::translate {

using CertificatePointer = std::shared_ptr<const routing::CertificateSpec>;

// Looking at a certificate and its key costs some 100 us each, so that tens of thousands are not
// looked at before they serve: the first `inspected_at_once` are, then only those that would
// replace one that is being served.
class SecretCertificates {
 public:
  explicit SecretCertificates(std::size_t inspected_at_once)
      : inspections_left_(inspected_at_once) {}

  struct View {
    [[nodiscard]] bool exists() const { return secret != nullptr; }
    std::string problem;        // not empty: the newest version can't be served
    std::string_view field;     // of the Secret, where the problem is
    CertificatePointer serves;  // the newest version that could be; null where none was
    std::shared_ptr<const kube::Secret> secret;  // the newest version; null where there is none
  };

  // Null: deleted, which also forgets what served.
  void set(const std::string& key, std::shared_ptr<const kube::Secret> secret);

  const View& view(const std::string& key);

  // Of what serves; null where nothing does or nobody has looked at it and `look` is false.
  const tls::CertificateFacts* facts(const std::string& key, bool look);

 private:
  struct Entry {
    View view;
    bool judged = false;                                 // view.problem is about view.secret
    std::unique_ptr<const tls::CertificateFacts> facts;  // of view.serves; null: not looked at
  };

  void judge(Entry& entry);

  std::size_t inspections_left_;
  absl::flat_hash_map<std::string, std::unique_ptr<Entry>, routing::StringHash, std::equal_to<>>
      entries_;
};

}  // namespace portico::translate
