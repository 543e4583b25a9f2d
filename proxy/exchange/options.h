// What holds for every route: set by flags, the same for the life of the process. What may change
// meanwhile is in routing/settings.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "proxy/http/h1_decoder.h"

namespace portico::exchange {

struct Options {
  http::Limits head_limits;

  std::uint16_t public_http_port = 80;  // what X-Forwarded-Port and redirects say
  std::uint16_t public_https_port = 443;

  // The client's side.
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds client_send_timeout{
      60'000};  // between two successful writes to the client
  // For what a client still sends after a refusal: between two pieces, and in all.
  std::chrono::milliseconds linger_timeout{5'000};
  std::chrono::milliseconds linger_limit{30'000};

  // The backend's side.
  std::chrono::milliseconds upstream_idle_timeout{60'000};
  std::size_t upstream_idle_connections = 4096;  // a worker, all endpoints together
  std::uint64_t upstream_requests = 10'000;      // a connection
  std::size_t upstream_streams = 100;            // at once, on an HTTP/2 connection
};

}  // namespace portico::exchange
