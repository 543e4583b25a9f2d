// Which certificate a server name gets.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "routing/snapshot.h"

namespace portico::tls {

// A certificate chain and its key. Parsed once, on first use, from any thread; afterwards immutable and shared by every
// connection and Config that uses it (X509 and EVP_PKEY are reference-counted inside OpenSSL).
class Certificate;

// Server name -> certificate: exact, then the wildcard of one label, then the default.
//
// Thread:  immutable once shared. Versions share what did not change.
// Errors:  a certificate that does not parse at first use serves the default one instead and is counted; the controller
//          has checked it with inspect() before it got here.
class CertificateStore {
 public:
  struct Found {
    const Certificate* certificate = nullptr;  // never null
    bool is_default = false;
  };
  [[nodiscard]] Found find(std::string_view server_name) const;

  // Building the next version: copy, then change. `spec` is kept, not copied.
  void set(std::string_view server_name, std::shared_ptr<const routing::CertificateSpec> spec);
  void erase(std::string_view server_name);
  void set_default(std::shared_ptr<const routing::CertificateSpec> spec);  // null: self-signed
};

}  // namespace portico::tls
