// An OCSP response that goes with a certificate (RFC 6960). For this folder's .cc files only.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "tls/openssl.h"

namespace portico::tls {

struct Staple {
  std::string response;  // DER; empty: there is none
  std::int64_t from_unix_seconds = 0;
  std::int64_t until_unix_seconds = 0;  // 0: for ever

  [[nodiscard]] bool is_valid_at(std::int64_t unix_seconds) const {
    return !response.empty() && from_unix_seconds <= unix_seconds &&
           (until_unix_seconds == 0 || unix_seconds <= until_unix_seconds);
  }
};

// A response that says the leaf is good, signed by its issuer (the first of `chain`) or by whom
// that one has charged with it. An empty text is no response. Its times are not judged: the
// certificate lives longer.
//
// Errors: one sentence that begins with "tls.ocsp".
std::expected<Staple, std::string> read_staple(const std::string& der, const X509& leaf,
                                               const STACK_OF(X509) & chain);

}  // namespace portico::tls
