#include "tls/context_policy.h"

namespace portico::tls {
namespace {

int native_version(Version version) {
  return version == Version::kTls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

void set_modes(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // 112 bits, whatever openssl.cnf says; inspect() refuses what this would.
  SSL_CTX_set_security_level(context, 2);
}

std::unexpected<std::string> refused(const char* what, const std::string& value) {
  return std::unexpected(std::string(what) + " \"" + value + "\": " + take_error("not accepted"));
}

}  // namespace

std::expected<void, std::string> apply_policy(SSL_CTX* context, const PolicyView& policy) {
  if (policy.minimum_version > policy.maximum_version) {
    return std::unexpected("the minimum TLS version is above the maximum");
  }
  set_modes(context);
  SSL_CTX_set_min_proto_version(context, native_version(policy.minimum_version));
  SSL_CTX_set_max_proto_version(context, native_version(policy.maximum_version));
  if (SSL_CTX_set_cipher_list(context, policy.ciphers.c_str()) != 1) {
    return refused("ciphers", policy.ciphers);
  }
  if (SSL_CTX_set_ciphersuites(context, policy.cipher_suites.c_str()) != 1) {
    return refused("cipher suites", policy.cipher_suites);
  }
  if (SSL_CTX_set1_groups_list(context, policy.groups.c_str()) != 1) {
    return refused("groups", policy.groups);
  }
  return {};
}

std::expected<std::string, std::string> alpn_wire_form(const std::vector<std::string>& names) {
  std::string wire;
  for (const auto& name : names) {
    if (name.empty() || name.size() > 255) {
      return std::unexpected("an ALPN name must have 1 to 255 bytes: \"" + name + "\"");
    }
    wire += static_cast<char>(name.size());
    wire += name;
  }
  return wire;
}

}  // namespace portico::tls
