// How clients' connections are held: what the controller's ConfigMap says of it.
#pragma once

#include <chrono>
#include <cstdint>

namespace portico::routing {

struct ClientSettings {
  std::chrono::milliseconds head_timeout{60'000};  // a whole head, from its first byte
  std::chrono::milliseconds body_timeout{60'000};  // between two pieces of a request's body
  std::chrono::milliseconds idle_timeout{75'000};  // between two requests; 0: there is no second
  std::uint64_t requests = 10'000;                 // of a connection; then its client is told to go
  bool http2 = true;                               // by ALPN, and by prior knowledge without TLS
  std::uint32_t max_concurrent_streams = 128;      // of an HTTP/2 connection

  // Whether a connection that has brought so many may bring another.
  [[nodiscard]] bool keeps_after(std::uint64_t brought) const {
    return brought < requests && idle_timeout.count() > 0;
  }
  bool operator==(const ClientSettings&) const = default;
};

}  // namespace portico::routing
