// What is known of an exchange once it is over: the input of the access log and of the metrics.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "proxy/exchange/circuit_refusal.h"
#include "proxy/net/socket_address.h"
#include "routing/route_table.h"

namespace portico::exchange {

// Views live for the call of record() only.
struct Record {
  std::string_view method, target, host, scheme, user_agent, referer, request_id;
  std::uint8_t version_major = 1;
  std::uint8_t version_minor = 1;  // HTTP/2 has none: 0
  bool tunnel = false;             // no HTTP: bytes of TLS that nobody here has opened
  std::uint16_t status = 0;        // what the client was sent; 499 where it went before that
  // Of an own error told to a gRPC client, which is sent as 200: what others would have been sent.
  std::uint16_t meant_status = 0;
  std::uint16_t upstream_status = 0;  // 0: none came
  std::uint64_t request_head_bytes = 0;
  std::uint64_t request_bytes = 0;  // of bodies
  std::uint64_t response_bytes = 0;
  std::chrono::steady_clock::duration duration{};
  std::chrono::steady_clock::duration upstream_duration{};  // from acquire to the answer's end
  net::SocketAddress client;
  const net::SocketAddress* endpoint = nullptr;  // null: no backend was tried
  const routing::Route* route = nullptr;         // null: none matched
  int attempts = 0;
  int ejections = 0;                    // of endpoints that its tries failed at
  bool panicked = false;                // so few endpoints served that ejected ones were tried too
  bool retry_budget_exhausted = false;  // so that a further try was not made
  CircuitRefusal circuit_refusal = CircuitRefusal::kNone;  // a limit of the backend was met
  bool reused_connection = false;
  std::string_view reason;  // why an own answer was given; static text
};

class Recorder {
 public:
  virtual void record(const Record& record) = 0;

 protected:
  ~Recorder() = default;
};

}  // namespace portico::exchange
