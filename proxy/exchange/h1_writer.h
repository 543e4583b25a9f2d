// The sending half of an HTTP/1 message: holds back small pieces, so that a head and what follows
// it within one turn of the loop leave in one system call.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "proxy/http/message.h"
#include "proxy/net/transport.h"

namespace portico::exchange {

enum class Coding : std::uint8_t { kNone, kPlain, kChunked };

// Thread: worker-bound. Memory: at most kHoldBytes is held; the string is used again.
class H1Writer {
 public:
  // Where a head is appended to.
  [[nodiscard]] std::string& held() { return held_; }
  void set_coding(Coding coding) { coding_ = coding; }
  [[nodiscard]] Coding coding() const { return coding_; }

  // Each returns false where the transport had to keep something (Transport::write).
  bool body(net::Transport& transport, std::span<const char> piece);
  bool flush(net::Transport& transport);

  // The last chunk with its trailers, held back; nothing for other codings.
  void end(const http::FieldBlock* trailers);
  // Forgets what is held.
  void clear() {
    held_.clear();
    coding_ = Coding::kNone;
  }

 private:
  static constexpr std::size_t kHoldBytes = 8 * 1024;

  std::string held_;
  Coding coding_ = Coding::kNone;
};

}  // namespace portico::exchange
