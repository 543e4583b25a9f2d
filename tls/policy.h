// What servers' and clients' TLS policies have in common.
#pragma once

#include <cstdint>

namespace portico::tls {

enum class Version : std::uint8_t { kTls12, kTls13 };

// Mozilla's "intermediate" without its DHE ciphers, whose exponentiations a client gets for free.
inline constexpr const char* kDefaultCiphers =  // of TLS 1.2
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
inline constexpr const char* kDefaultCipherSuites =  // of TLS 1.3
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
inline constexpr const char* kDefaultGroups = "X25519:P-256:P-384";

}  // namespace portico::tls
