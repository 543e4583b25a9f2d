// The certificate of a server that was given none.
#pragma once

#include <memory>
#include <string>

#include "routing/snapshot.h"

namespace portico::tls {

struct SelfSignedOptions {
  std::string common_name = "Portico Default Certificate";
  std::string dns_name =
      "portico.invalid";  // SAN; reserved, so that no client ever takes it for a real host
  int days = 365;
};

// A fresh ECDSA P-256 key and its certificate, valid from a day ago (clients with slow clocks) on.
// Takes about 0.2 ms. Errors: aborts where OpenSSL has no memory or randomness.
std::shared_ptr<const routing::CertificateSpec> make_self_signed(
    const SelfSignedOptions& options = {});

}  // namespace portico::tls
