// What a client showed when it was asked for a certificate, and what that is worth.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tls/client_trust.h"

namespace portico::tls {

// Of one connection whose handshake asked for a certificate. A bad one does not fail the handshake:
// whoever answers the request says so.
//
// Thread:    worker-bound. The texts are made when first asked for, once a connection.
// Lifetime:  ends with the engine it came from.
class ClientCertificate {
 public:
  enum class Result : std::uint8_t {
    kNone,
    kGood,
    kUnknownIssuer,  // it may be good, but nobody known has signed it
    kBad,            // expired, revoked, too long a chain, …
  };

  struct Native;  // OpenSSL's side, for this folder's .cc files
  explicit ClientCertificate(std::unique_ptr<const Native> native);
  ClientCertificate(const ClientCertificate&) = delete;
  ClientCertificate& operator=(const ClientCertificate&) = delete;
  ~ClientCertificate();

  [[nodiscard]] Result result() const;
  // As nginx says it: "SUCCESS", "NONE", "FAILED:certificate has expired".
  [[nodiscard]] const std::string& verdict() const;
  // In the form of RFC 2253, other bytes than printable ASCII escaped; empty without a certificate.
  [[nodiscard]] const std::string& subject() const;
  [[nodiscard]] const std::string& issuer() const;
  // The certificate as PEM, percent-encoded; empty without one.
  [[nodiscard]] const std::string& escaped_pem() const;

  // What it was judged by; says nothing about another host's question.
  [[nodiscard]] const routing::HostTls& judged_by() const;

 private:
  std::unique_ptr<const Native> native_;
  mutable std::optional<std::string> verdict_;
  mutable std::optional<std::string> subject_;
  mutable std::optional<std::string> issuer_;
  mutable std::optional<std::string> escaped_pem_;
};

}  // namespace portico::tls
