// What the annotations of one Ingress ask of its hosts' TLS, before any Secret is looked at.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "routing/host_tls.h"

namespace portico::translate {

struct HostTlsReading {
  routing::HostTls tls;  // authority_secret as it is written, without the Secret's content
  std::optional<routing::ClientVerification> verify;  // as it is written
  bool is_given = false;                              // any of the annotations is

  // Asks for good certificates, whoever has to name the authorities.
  [[nodiscard]] bool demands_certificates() const {
    return verify == routing::ClientVerification::kOn || !tls.subject.text().empty();
  }
};

// Each reads one annotation's value, or says what it must be: a phrase that ends the sentence `"x"
// is not …`. A value that can't be understood never opens what it should close.
using ReadHostTls = std::expected<void, std::string_view> (*)(std::string_view value,
                                                              HostTlsReading& reading);

std::expected<void, std::string_view> read_authority_secret(std::string_view value,
                                                            HostTlsReading& reading);
std::expected<void, std::string_view> read_client_verification(std::string_view value,
                                                               HostTlsReading& reading);
std::expected<void, std::string_view> read_verify_depth(std::string_view value,
                                                        HostTlsReading& reading);
std::expected<void, std::string_view> read_error_page(std::string_view value,
                                                      HostTlsReading& reading);
std::expected<void, std::string_view> read_subject(std::string_view value, HostTlsReading& reading);
std::expected<void, std::string_view> read_pass_certificate(std::string_view value,
                                                            HostTlsReading& reading);

}  // namespace portico::translate
