// A policy's settings into an SSL_CTX. For this folder's .cc files only.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "tls/openssl.h"
#include "tls/policy.h"

namespace portico::tls {

struct PolicyView {
  Version minimum_version;
  Version maximum_version;
  const std::string& ciphers;
  const std::string& cipher_suites;
  const std::string& groups;
};

// Errors: a version range that is empty, or a list that OpenSSL does not accept; one sentence.
std::expected<void, std::string> apply_policy(SSL_CTX* context, const PolicyView& policy);

template <class Options>
std::expected<void, std::string> apply_policy(SSL_CTX* context, const Options& options) {
  return apply_policy(context, PolicyView{options.minimum_version, options.maximum_version,
                                          options.ciphers, options.cipher_suites, options.groups});
}

// Each name behind its length (RFC 7301 3.1).
std::expected<std::string, std::string> alpn_wire_form(const std::vector<std::string>& names);

}  // namespace portico::tls
