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

// Signs clients' certificates, and revokes them.
class Authority {
 public:
  explicit Authority(const std::string& common_name = "authority",
                     const Authority* above = nullptr);
  Authority(Authority&&) noexcept;
  ~Authority();

  [[nodiscard]] const std::string& pem() const { return pem_; }
  // The leaf, then every authority but the root.
  [[nodiscard]] std::shared_ptr<const routing::CertificateSpec> issue(
      const CertificateRequest& request) const;
  // Of all that it issued (they have one serial number), or of none.
  [[nodiscard]] std::string revocations(bool all, long next_in_days = 30) const;
  // An OCSP response about a certificate that it issued, in DER.
  [[nodiscard]] std::string ocsp_response(const routing::CertificateSpec& leaf, bool is_good = true,
                                          long next_in_days = 7) const;

 private:
  struct Native;
  std::unique_ptr<Native> native_;
  std::string pem_;
  std::string chain_pem_;  // up to, and without, the root
};

}  // namespace portico::tls::testing
