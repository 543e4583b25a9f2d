// What holds for every host and may change while it runs: the controller's ConfigMap, parsed.
// Settings of routes are in policy.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "routing/balance_spec.h"
#include "routing/client_address.h"
#include "routing/client_settings.h"
#include "routing/compression_settings.h"
#include "routing/tls_settings.h"

namespace portico::routing {

struct Settings {
  // Strict-Transport-Security (RFC 6797), sent over TLS by hosts that have a certificate.
  bool hsts = true;
  std::uint64_t hsts_max_age_seconds = 31'536'000;
  bool hsts_include_subdomains = true;
  bool hsts_preload = false;
  // Routes whose path begins so are never redirected to https: whoever asks for a certificate is
  // asked by plain HTTP whether the host is theirs.
  std::vector<std::string> plain_paths{"/.well-known/acme-challenge"};

  ClientAddressSettings client_address;
  ClientSettings clients;
  std::chrono::milliseconds stream_timeout{600'000};  // of a TLS connection that is passed through

  TlsSettings tls;

  CompressionSettings compression;

  Strategy load_balance = Strategy::kRoundRobin;  // of backends that ask for none
  std::chrono::milliseconds slow_start{0};        // likewise; 0: none
  std::uint8_t panic_percent = 0;                 // likewise; 0: only where no endpoint serves
  CircuitSpec circuit;                            // likewise

  bool operator==(const Settings&) const = default;
};

}  // namespace portico::routing
