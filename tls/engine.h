// One TLS connection, as a machine: bytes in, bytes out, no socket. proxy/net drives it.
//
//   ciphertext from recv ──> feed() ──> read() ──> plaintext
//   ciphertext to send  <── take_output() <── write() <── plaintext
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace portico::tls {

class ServerContext;

enum class Status : std::uint8_t {
  kOk,
  kWantInput,   // feed() more ciphertext
  kWantOutput,  // take_output() is at its bound: send it first
  kClosed,      // close_notify received
  kFailed,      // see failure()
};

struct Progress {
  Status status = Status::kOk;
  std::size_t bytes = 0;  // of plaintext read or written
};

// Thread:    worker-bound.
// Lifetime:  keeps the contexts it uses alive.
// Errors:    no exception leaves it; OpenSSL's error queue is empty after every call.
class Engine {
 public:
  // Answers to a client.
  static std::unique_ptr<Engine> server(const ServerContext& context);
  virtual ~Engine() = default;

  // Ciphertext that was received. Must be consumed by handshake() or read() before the span's memory goes away;
  // returns how much was not consumed by the last call.
  virtual void feed(std::span<const char> ciphertext) = 0;
  [[nodiscard]] virtual std::size_t unread() const = 0;

  virtual Status handshake() = 0;
  virtual Progress read(std::span<char> plaintext) = 0;
  virtual Progress write(std::span<const char> plaintext) = 0;
  virtual void close_notify() = 0;

  // Ciphertext to send; stays valid until the next call. consume_output() after a send.
  [[nodiscard]] virtual std::span<const char> output() const = 0;
  virtual void consume_output(std::size_t bytes) = 0;
};

}  // namespace portico::tls
