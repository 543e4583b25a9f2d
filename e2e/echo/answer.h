// What the echo backend answers: who it is and what it was sent, or whatever the query asks for.
//
//   ?status=503          that status
//   ?bytes=1000000       a body of that size (byte i is i % 251)
//   ?chunked=1           chunked, not Content-Length
//   ?trailers=1          chunked, with the trailer X-Checksum
//   ?close=1             Connection: close
//   ?until_close=1       no framing: the body ends with the connection
//   ?cut=1               the body is cut half way
//   ?early=1             answers before it reads the body
//   ?delay_ms=50         waits before the head
//   ?piece_delay_ms=5    waits after every 64 KiB of body
//   ?hints=1             a 103 before the answer
//   ?header=Name:value   that field too
//
// The path /echo-body answers with the body it was sent.
#pragma once

#include <cstdint>
#include <string>

#include "e2e/echo/request.h"
#include "e2e/echo/stream.h"

namespace portico::echo {

// What a backend says of itself.
struct Identity {
  std::string pod;
  std::string namespace_;
  std::string service;
  std::string ingress;
};

struct BodyFacts {
  std::uint64_t bytes = 0;
  std::uint32_t crc32 = 0;
};

// The JSON that the Ingress conformance suite reads, with `body_bytes`, `body_crc32` and `remote`
// added.
std::string describe(const Request& request, const Identity& identity, const BodyFacts& body,
                     const std::string& remote);

struct Answer {
  std::string content_type = "application/json";
  std::string body;
};

// Sends it in the way the query asks for; false if the connection can't be used again.
bool send_answer(Stream& stream, const Request& request, const Answer& answer);

}  // namespace portico::echo
