// Certificates made for a test, by OpenSSL, in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "routing/snapshot.h"

namespace portico::tls::testing {

enum class KeyKind : std::uint8_t { kP256, kRsa2048, kRsa1024, kEd25519 };
enum class KeyForm : std::uint8_t { kPkcs8, kTraditional, kEncrypted };

struct CertificateRequest {
  std::string common_name = "test";
  std::vector<std::string> names;  // of the SAN, IP addresses too; empty: no SAN
  KeyKind key = KeyKind::kP256;
  KeyForm key_form = KeyForm::kPkcs8;
  bool sha1 = false;
  long begins_in_days = -1;
  long ends_in_days = 90;
  int intermediates = 0;  // between the leaf and a root that is not sent
  bool is_authority = false;
};

std::shared_ptr<const routing::CertificateSpec> make_certificate(const CertificateRequest& request);

}  // namespace portico::tls::testing
