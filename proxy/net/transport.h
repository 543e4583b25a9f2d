// A byte stream with credit: what a connection is to everybody above the sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/uio.h>

#include "proxy/net/socket_address.h"

namespace portico::tls {
class ClientCertificate;
}

namespace portico::net {

enum class TransportError : std::uint8_t {
  kNone,
  kReset,      // ECONNRESET, EPIPE, or the TLS equivalent
  kTimedOut,   // ETIMEDOUT from the kernel
  kTlsFailed,  // handshake or record layer
  kConnectRefused,
  kConnectFailed,  // unreachable
  kOther,
};
std::string_view to_string(TransportError error);

// What a handshake agreed on. Empty: not sent, not agreed. The views live as long as the Transport.
struct TlsInfo {
  std::string_view sni;       // lower-case
  std::string_view alpn;      // "h2", "http/1.1"
  std::string_view protocol;  // "TLSv1.3"
  std::string_view cipher;
  std::string_view failure;  // once on_error(kTlsFailed) is told: why
  // What a client showed; null where the handshake asked for no certificate.
  const tls::ClientCertificate* client_certificate = nullptr;
};

// What a PROXY header said of the connection, if one came that names a client.
enum class Announced : std::uint8_t {
  kNothing,
  kHttp,
  kHttps,  // the client's TLS was ended before us, or is still to be
};

// What is known of a connection once it is established. Behind a PROXY header the addresses are the
// announced ones.
struct TransportInfo {
  SocketAddress peer;
  SocketAddress local;
  Announced announced = Announced::kNothing;
  const TlsInfo* tls = nullptr;  // null: plaintext. Lives as long as the Transport.
};

// The side that is told. Calls come from the loop's thread, never from inside a call to the
// Transport. Any of them may destroy the Transport.
class TransportSink {
 public:
  // Bytes that came. Returns how many were taken; the rest is offered again, with more behind it,
  // at the next arrival or when reading is resumed. The bytes may be written to (a decoder may edit
  // in place) until the call returns.
  virtual std::size_t on_bytes(std::span<char> bytes) = 0;
  // The peer has finished sending. Writing goes on.
  virtual void on_end() = 0;
  // All that was written has reached the socket, after write() had said `false`.
  virtual void on_drained() = 0;
  // Broken; nothing more will be called. The sink still has to let go of the Transport.
  virtual void on_error(TransportError error) = 0;

 protected:
  ~TransportSink() = default;
};

// Thread:    worker-bound: lives on the loop that created it.
// Lifetime:  after close() or destruction its sink is never called again. Destroying it closes the
// socket. Memory:    holds a read buffer from the loop's pool only while it has bytes that were not
// taken; an idle one holds none.
class Transport {
 public:
  virtual ~Transport() = default;

  // Starts reading into `sink`; again for another sink (an upgrade, a pooled connection). Bytes
  // that were not taken are offered to the new sink from the loop, not from inside this call.
  virtual void start(TransportSink& sink) = 0;

  // At most this many bytes are kept for a sink that does not take them. Once they are there and it
  // takes none, reading stops until resume_reading(): the sink has to decide.
  static constexpr std::size_t kMaxUnread = std::size_t{80} * 1024;

  // No credit, no bytes: while paused, nothing is read from the socket, and neither on_bytes nor
  // on_end is called. resume_reading() offers what was not taken from the loop, not from inside
  // this call.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  // Sends what the socket takes in one gather write (at once, or, of small writes, when the loop's
  // turn is over) and keeps a copy of the rest. False:
  // something is kept; wait for on_drained before writing much more (what is kept is bounded by
  // what the caller hands over meanwhile). Errors arrive by on_error, later.
  virtual bool write(std::span<const iovec> pieces) = 0;
  // FIN (or close_notify) after what is kept.
  virtual void finish_writing() = 0;
  // Closes at once. `reset`: with RST, so that a cut answer can't look complete.
  virtual void close(bool reset = false) = 0;

  // What was handed to the kernel since the connection began; small writes wait for the turn's end.
  [[nodiscard]] virtual std::uint64_t sent_bytes() const = 0;
  // What was written and the peer has not acknowledged: it shrinks while the peer reads. Asks the
  // kernel, so not for every write.
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
  // Something has come that was not taken. Closing now would reset the connection, under what is
  // still on its way to the peer too.
  [[nodiscard]] virtual bool has_unread() const = 0;

  [[nodiscard]] virtual const TransportInfo& info() const = 0;
};

}  // namespace portico::net
