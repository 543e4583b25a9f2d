// PEM text to OpenSSL's objects. For this folder's .cc files only.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "routing/snapshot.h"
#include "tls/native.h"

namespace portico::tls {

// Chain and key, checked to belong together and to be strong enough for ServerContext to serve
// them. Errors: one sentence that begins with the Secret's entry at fault, "tls.crt" or "tls.key".
std::expected<Certificate::Parsed, std::string> parse_certificate(
    const routing::CertificateSpec& spec);

// "RSA 2048", "EC P-256", "ED25519".
std::string key_kind(const EVP_PKEY& key);

}  // namespace portico::tls
