// Typed settings of a route. Annotations are parsed into these; nothing is ever pasted into text.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "routing/retry_policy.h"

namespace portico::routing {

// The header that a backend's connections begin with, if any.
enum class BackendProxyProtocol : std::uint8_t { kOff, kV1, kV2 };

struct Policy {
  bool ssl_redirect = true;                    // http -> https where the host has a certificate
  bool force_ssl_redirect = false;             // http -> https always
  std::uint64_t max_body_bytes = 1024 * 1024;  // 0: unlimited
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds send_timeout{60'000};  // between two successful writes to the backend
  std::chrono::milliseconds read_timeout{60'000};  // between two successful reads from the backend
  BackendProxyProtocol backend_proxy_protocol = BackendProxyProtocol::kOff;
  std::chrono::milliseconds request_timeout{0};  // from the head to the answer's end; 0: none
  bool outlier_ejection = true;      // endpoints that fail are left alone for a while: outlier.h
  bool outlier_success_rate = true;  // so are those that fail far more than the others do
  std::uint8_t consecutive_5xx = 0;  // of any kind, after which one is; 0: by 502, 503, 504 only
  RetryPolicy retries;
  bool service_upstream = false;  // asks for the Services' own addresses; BackendSpec has them
  bool ssl_passthrough = false;   // asks for it on behalf of the whole host; HostSpec says it
  // Not empty: a setting that guards access can't be honoured, so the route answers 503 (fail
  // closed).
  std::string denied_because;

  bool operator==(const Policy&) const = default;
};

}  // namespace portico::routing
