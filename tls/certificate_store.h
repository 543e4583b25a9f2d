// Which certificate a server name gets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "routing/shared_map.h"
#include "routing/snapshot.h"
#include "tls/certificate.h"

namespace portico::tls {

// Server name -> certificate: exact, then the wildcard of one label, then the default.
//
// Names are compared without case. One spec set under several names is parsed once.
//
// Thread:    immutable once shared. Versions share what did not change: copying costs two arrays of
// 1,024 pointers. Lifetime:  a Found points into the store. Errors:    a certificate that does not
// parse at first use serves the default one instead; the controller has checked
//            it with inspect() before it got here. A default that does not parse serves the
//            self-signed one.
class CertificateStore {
 public:
  enum class Reason : std::uint8_t {
    kName,     // the name, or its wildcard, has this certificate
    kDefault,  // no certificate has this name
    kBroken,   // the name has a certificate, but one that does not parse: worth a count and a log
               // line
  };
  struct Found {
    const Certificate* certificate = nullptr;  // never null, always usable
    Reason reason = Reason::kDefault;
  };

  // `self_signed` is what serves where there is no default: see self_signed.h. It must be usable.
  explicit CertificateStore(std::shared_ptr<const routing::CertificateSpec> self_signed);

  // `server_name` without port; "" where the client sent none. Parses what it finds if nobody has
  // yet (0.1 to 0.3 ms); otherwise allocates nothing.
  [[nodiscard]] Found find(std::string_view server_name) const;

  // Building the next version: copy, then change. `spec` is kept, not copied.
  void set(std::string_view server_name, std::shared_ptr<const routing::CertificateSpec> spec);
  void erase(std::string_view server_name);
  void set_default(std::shared_ptr<const routing::CertificateSpec> spec);  // null: self-signed

  [[nodiscard]] std::size_t size() const { return names_.size(); }  // names, not certificates

 private:
  // A spec's one Certificate and how many names use it.
  struct Use {
    std::shared_ptr<const Certificate> certificate;
    std::size_t names = 0;
  };
  [[nodiscard]] const Certificate* find_wildcard(std::string_view name) const;
  std::shared_ptr<const Certificate> acquire(std::shared_ptr<const routing::CertificateSpec> spec);
  void release(const Certificate& certificate);

  routing::SharedMap<Certificate> names_;       // lower-case
  routing::SharedMap<Use> uses_;                // by the spec's address
  std::shared_ptr<const Certificate> default_;  // null: none
  std::shared_ptr<const Certificate> self_signed_;
};

}  // namespace portico::tls
