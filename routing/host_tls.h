// What one host asks of its clients' TLS: certificates, ciphers. As plain data; tls/ compiles it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "routing/text_pattern.h"

namespace portico::routing {

enum class ClientVerification : std::uint8_t {
  kOff,
  kOn,            // a good certificate, or 400
  kOptional,      // a good one or none
  kOptionalNoCa,  // none, or any that is not refused for more than its unknown issuer
};

struct HostTls {
  // Not empty: what is asked can't be understood or found. Every request for the host answers 403.
  std::string refused_because;

  std::string authority_secret;  // "namespace/name"; empty: no certificate is asked for
  std::string authorities_pem;   // the only ones whose signature counts
  std::string revocations_pem;   // CRLs, of every authority in a chain; empty: nobody looks
  int verify_depth = 1;          // authorities between a certificate and its root
  ClientVerification verify = ClientVerification::kOff;
  std::string error_page;         // where clients without a good certificate are sent (302)
  TextPattern subject;            // of its distinguished name; else 403
  bool pass_certificate = false;  // to the backend, as ssl-client-cert

  std::string ciphers;  // of TLS 1.2; empty: the controller's
  std::optional<bool> prefer_server_ciphers;

  [[nodiscard]] bool has_authorities() const { return !authorities_pem.empty(); }
  // Whether a certificate that was verified for one host counts for the other.
  [[nodiscard]] bool same_trust(const HostTls& other) const;
  bool operator==(const HostTls&) const = default;
};

}  // namespace portico::routing
