// A certificate chain with its key, ready to be served.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "routing/snapshot.h"

namespace portico::tls {

// Parsed once, on first use. Until then it costs nothing beyond the bytes of its spec, which it
// shares; afterwards the X509 and EVP_PKEY are shared by every connection that uses them
// (reference-counted inside OpenSSL).
//
// Thread:    shared: any thread may use it first; the others wait for that one parse.
// Errors:    one that does not parse says why by problem() and is never served.
class Certificate {
 public:
  explicit Certificate(std::shared_ptr<const routing::CertificateSpec> spec);
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate();

  // Both parse if nobody has yet.
  [[nodiscard]] bool usable() const { return problem().empty(); }
  [[nodiscard]] std::string_view problem() const;  // one sentence; empty: usable

  [[nodiscard]] const std::shared_ptr<const routing::CertificateSpec>& spec() const {
    return spec_;
  }

  struct Parsed;  // OpenSSL's side, for this folder's .cc files
  [[nodiscard]] const Parsed& parsed() const;

 private:
  const std::shared_ptr<const routing::CertificateSpec> spec_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<const Parsed> parsed_;
};

}  // namespace portico::tls
