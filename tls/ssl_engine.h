// What the server's and the client's engines share: an SSL over memory. For this folder's .cc files
// only.
#pragma once

#include <cstdint>
#include <string_view>

#include "tls/engine.h"
#include "tls/engine_bio.h"
#include "tls/openssl.h"

namespace portico::tls {

class SslEngine : public Engine {
 public:
  SslEngine(const SslEngine&) = delete;
  SslEngine& operator=(const SslEngine&) = delete;

  void feed(std::span<const char> ciphertext) final { ends_.input = ciphertext; }
  [[nodiscard]] std::size_t unread() const final { return ends_.input.size(); }

  Status handshake() final;
  Progress read(std::span<char> plaintext) final;
  Progress write(std::span<const char> plaintext) final;
  Status close_notify() final;

  [[nodiscard]] std::span<const char> output() const final { return ends_.output.bytes(); }
  void consume_output(std::size_t bytes) final { ends_.output.consume(bytes); }

  [[nodiscard]] std::string_view failure() const final { return failure_; }
  [[nodiscard]] std::string_view alpn() const final;
  [[nodiscard]] std::string_view protocol() const final {
    return phase_ == Phase::kHandshake ? std::string_view() : SSL_get_version(ssl_.get());
  }
  [[nodiscard]] std::string_view cipher() const final;
  [[nodiscard]] bool resumed() const final { return SSL_session_reused(ssl_.get()) == 1; }

 protected:
  explicit SslEngine(SSL_CTX* context);

  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }
  // No handshake can come of this: `why` lives as long as the engine.
  void fail(std::string_view why);

 private:
  enum class Phase : std::uint8_t { kHandshake, kOpen, kFailed };

  virtual void on_handshake_done() {}
  // The text of failure(), from OpenSSL's error queue, which it empties.
  virtual std::string_view explain_failure();

  // What the call that returned `result` means; a failure is final.
  Status judge(int result);

  EngineBio ends_{.input = {}, .output = OutputBuffer(kOutputBound)};
  SslPtr ssl_;  // after what its BIO points to
  std::string_view failure_;
  Phase phase_ = Phase::kHandshake;
};

}  // namespace portico::tls
