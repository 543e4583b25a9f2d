// How a backend's endpoints are asked whether they are well, as asked for: plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace portico::routing {

struct StatusRange {
  std::uint16_t first = 200;
  std::uint16_t last = 399;
  bool operator==(const StatusRange&) const = default;
};

struct HealthCheckSpec {
  enum class Kind : std::uint8_t {
    kTcp,   // it accepts a connection; where TLS is spoken, the handshake too
    kHttp,  // GET, with an answer of `statuses`
    kGrpc,  // grpc.health.v1.Health/Check says SERVING
  };
  Kind kind = Kind::kHttp;
  std::string path = "/";             // of kHttp
  std::string host;                   // Host or :authority; empty: the endpoint's address
  std::vector<StatusRange> statuses;  // of kHttp; none: 200 to 399
  std::string grpc_service;           // of kGrpc; empty: the server as a whole
  std::uint16_t port = 0;             // 0: the endpoint's
  std::chrono::milliseconds interval{5'000};
  std::chrono::milliseconds timeout{2'000};
  std::uint8_t unhealthy_after = 3;  // failures in a row
  std::uint8_t healthy_after = 2;    // good answers in a row
  bool operator==(const HealthCheckSpec&) const = default;
};

}  // namespace portico::routing
