// What holds for every host and may change while it runs: the controller's ConfigMap, parsed.
// Settings of routes are in policy.h.
#pragma once

#include <chrono>
#include <cstdint>

#include "routing/tls_settings.h"

#include "routing/client_address.h"
#include "routing/compression_settings.h"

namespace portico::routing {

struct Settings {
  // Strict-Transport-Security (RFC 6797), sent over TLS by hosts that have a certificate.
  bool hsts = true;
  std::uint64_t hsts_max_age_seconds = 31'536'000;
  bool hsts_include_subdomains = true;
  bool hsts_preload = false;

  ClientAddressSettings client_address;
  std::chrono::milliseconds stream_timeout{600'000};  // of a TLS connection that is passed through

  CompressionSettings compression;

  TlsSettings tls;

  bool operator==(const Settings&) const = default;
};

}  // namespace portico::routing
