// What a certificate says, for those who check it before it is served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/snapshot.h"

namespace portico::tls {

// Of the leaf, but for chain_length. Plain values: cheap to keep beside the Secret it came from.
struct CertificateFacts {
  std::vector<std::string>
      names;  // lower-case DNS names of the SAN; where it has none, the common name
  bool names_from_common_name = false;  // today's clients look at the SAN only
  std::int64_t not_before_unix_seconds = 0;
  std::int64_t not_after_unix_seconds = 0;
  std::size_t chain_length = 0;  // with the leaf
  std::string key;               // "RSA 2048", "EC P-256"
  // Why its OCSP response is not stapled: a sentence that begins with "tls.ocsp"; empty: it is, or
  // there is none.
  std::string staple_problem;
  std::int64_t staple_until_unix_seconds = 0;  // 0: nothing is stapled, or for ever

  bool operator==(const CertificateFacts&) const = default;
};

// Facts of a pair that can be served: it parses, key and leaf belong together, both are strong
// enough. Its dates are not judged: see validity_problem().
//
// Thread:    any; keeps nothing. Costs a parse (see the README), so keep its answer for as long as
// the spec is the same. Errors:    one sentence that names the entry: "tls.crt holds no PEM
// certificate", "tls.key does not match …".
std::expected<CertificateFacts, std::string> inspect(const routing::CertificateSpec& spec);

// The same certificates and key without PEM's armour, as DER in the same members: three quarters of
// the bytes, and one text for all ways to wrap it. Everything here reads both. A spec that can't be
// read comes back as it was.
routing::CertificateSpec compact(const routing::CertificateSpec& spec);

// "the certificate expired on 2024-05-01", "… is not valid before 2031-01-01", or nothing.
std::optional<std::string> validity_problem(const CertificateFacts& facts,
                                            std::int64_t now_unix_seconds);

// "tls.ocsp expired on 2024-05-01", "tls.ocsp expires on 2024-05-02" where a day or less is left,
// or nothing: neither, or no response is stapled at all.
std::optional<std::string> staple_validity_problem(const CertificateFacts& facts,
                                                   std::int64_t now_unix_seconds);

// Whether clients of `hostname` will accept the names: exactly, or by a wildcard in place of its
// first label (RFC 6125 6.4.3). A hostname "*.example.com" is covered by that very wildcard only.
bool covers(const CertificateFacts& facts, std::string_view hostname);

}  // namespace portico::tls
