// One TLS connection, as a machine: bytes in, bytes out, no socket. proxy/net drives it.
//
//   ciphertext from recv ──> feed() ──> read() ──> plaintext
//   ciphertext to send  <── output() <── write() <── plaintext
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "tls/certificate_store.h"

namespace portico::tls {

class ClientCertificate;
class ClientContext;
class ServerContext;
class ServerPolicies;

enum class Status : std::uint8_t {
  kOk,
  kWantInput,   // all that was fed is consumed: feed() more ciphertext
  kWantOutput,  // output() is at its bound: send it, then call again
  kClosed,      // close_notify received; writing may go on
  kFailed,      // see failure(); output() may hold an alert that is worth one send
};

// `bytes` were read or written whatever the status says: {kWantInput, 300} is 300 bytes and nothing
// more behind them.
struct Progress {
  Status status = Status::kOk;
  std::size_t bytes = 0;  // of plaintext
};

// The driver's loop: after any call that may change it, send output() and consume_output() what the
// socket took.
//
//   arrival:   feed(bytes); handshake() until kOk; read() until kWantInput
//   paused:    bytes that are still unread() must be kept and fed again, with those that came later
//   behind them EOF:       the engine is not told. EOF without kClosed is a truncation, which the
//   driver reports or not. closing:   close_notify(), send output(), then FIN
//
// Thread:    worker-bound.
// Lifetime:  keeps its context alive; keeps the store alive until the handshake is over, and no
// certificate after it. Errors:    no exception leaves it; OpenSSL's error queue is empty after
// every call. A failure is final: every later
//            call says kFailed.
// Memory:    output() holds at most kOutputBound; its memory goes once all of it is consumed. An
// idle connection holds
//            no buffer.
class Engine {
 public:
  static constexpr std::size_t kOutputBound = 80 * 1024;  // 64 KiB of write(), and room for alerts

  // Answers to a client. The handshake takes its certificate from `store`, and asks `policies`,
  // which outlives it, what the server name changes; null: nothing.
  static std::unique_ptr<Engine> server(std::shared_ptr<const ServerContext> context,
                                        std::shared_ptr<const CertificateStore> store,
                                        const ServerPolicies* policies = nullptr);
  // Asks for `server_name` by SNI and takes no certificate for another; an IP address, without
  // brackets, is not sent, but must stand in the certificate. An empty name is only good for a
  // context that does not verify.
  // `server` tells servers apart whose sessions are remembered: an address, where one name has
  // several.
  static std::unique_ptr<Engine> client(std::shared_ptr<const ClientContext> context,
                                        std::string_view server_name, std::string_view server = {});
  virtual ~Engine() = default;

  // Ciphertext that was received; replaces what was fed before. It must stay valid through the
  // calls of handshake() and read() that follow, up to the next feed().
  virtual void feed(std::span<const char> ciphertext) = 0;
  // How many bytes of the last feed(), at its end, have not been consumed.
  [[nodiscard]] virtual std::size_t unread() const = 0;

  // kOk once it is over, and always from then on.
  virtual Status handshake() = 0;

  // Fills `plaintext` from as many records as are there. {kOk, bytes == plaintext.size()}: there
  // may be more.
  virtual Progress read(std::span<char> plaintext) = 0;

  // Seals up to all of `plaintext` in records of 16 KiB. {kWantOutput, n}: n bytes were taken;
  // offer the rest, or something else, once output() has been sent. An empty span does nothing.
  virtual Progress write(std::span<const char> plaintext) = 0;

  // Queues our close_notify, once. kOk: it is in output(), or there is nobody to tell (before the
  // handshake is over, or after a failure). kWantOutput: send, then call again.
  virtual Status close_notify() = 0;

  // Ciphertext to send; stays valid until the next call. consume_output() after a send.
  [[nodiscard]] virtual std::span<const char> output() const = 0;
  virtual void consume_output(std::size_t bytes) = 0;

  // Why it failed, in OpenSSL's words: "no shared cipher", "http request" (plain HTTP on this
  // port); a client says whose certificate was refused and why. Lives as long as the engine; empty
  // where nothing has failed.
  [[nodiscard]] virtual std::string_view failure() const = 0;

  // What the handshake agreed on. Empty or false before it is over, but for sni(), which is known
  // with the ClientHello (to a client: from the start).
  [[nodiscard]] virtual std::string_view sni() const = 0;       // lower-case; empty: none sent
  [[nodiscard]] virtual std::string_view alpn() const = 0;      // "http/1.1"; empty: none
  [[nodiscard]] virtual std::string_view protocol() const = 0;  // "TLSv1.3"
  [[nodiscard]] virtual std::string_view cipher() const = 0;    // "TLS_AES_128_GCM_SHA256"
  [[nodiscard]] virtual bool resumed() const = 0;
  // How the server's certificate was found; kName for a resumed session, which needs none, and for
  // a client.
  [[nodiscard]] virtual CertificateStore::Reason certificate_reason() const = 0;
  // Null where the handshake asked for none, and for a client.
  [[nodiscard]] virtual const ClientCertificate* client_certificate() const { return nullptr; }
};

}  // namespace portico::tls
