// An answer's body on its way through a coder to the client.
#pragma once

#include <cstdint>
#include <span>

#include "proxy/exchange/stream.h"
#include "proxy/http/compressor.h"
#include "routing/compression_settings.h"

namespace portico::exchange {

// Thread:    worker-bound.
// Lifetime:  a part of the exchange, used again; holds a coder only from begin() to stop().
// Memory:    the coder's; nothing else is kept. What one piece becomes is given to the client at
//            once, so that back-pressure is the client's as it is without a coder.
class CompressedBody {
 public:
  explicit operator bool() const { return static_cast<bool>(coder_); }

  // Chooses how the answer is coded, and changes `outgoing` to say so. Lends a coder where a body
  // follows; where the pool has none to lend, the answer goes as it is.
  void begin(const routing::CompressionSettings& settings, http::CompressorPool& pool,
             const http::RequestHead& request, const http::ResponseHead& response,
             OutgoingResponse& outgoing);
  // The rest only after a begin() that lent a coder. Each returns whether the client takes more.
  Flow write(ServerStream& client, std::span<const char> piece);
  // What was written so far is on its way whole: the backend may pause here.
  Flow flush(ServerStream& client);
  // The body's last bytes; the stream's end() follows.
  void end(ServerStream& client);
  void stop() { coder_ = {}; }

  // Coded bytes of this answer.
  [[nodiscard]] std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  Flow drive(ServerStream& client, std::span<const char> piece, http::Compressor::Until until);

  http::LentCompressor coder_;
  std::uint64_t written_bytes_ = 0;
  bool unflushed_ = false;  // something may still be inside
};

}  // namespace portico::exchange
