// A TLS client over memory, plain OpenSSL, and the wire between it and an Engine.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tls/engine.h"
#include "tls/openssl.h"

namespace portico::tls::testing {

struct ClientOptions {
  std::string server_name = "a.example.com";  // empty: no SNI
  int version = TLS1_3_VERSION;
  std::vector<std::string> alpn;
  SSL_SESSION* session = nullptr;  // to resume
  int security_level = 2;
  std::shared_ptr<const routing::CertificateSpec> certificate;  // shown where it is asked for
};

class Client {
 public:
  explicit Client(const ClientOptions& options = {});

  [[nodiscard]] SSL* ssl() { return ssl_.get(); }
  // True once the client's side of the handshake is over.
  bool handshake();
  [[nodiscard]] bool failed() const { return failed_; }

  // Ciphertext.
  std::string take_output();
  void receive(std::string_view ciphertext);

  // Plaintext. read() returns all that is there; ended() says whether a close_notify stood behind
  // it.
  std::string read();
  void write(std::string_view plaintext);
  [[nodiscard]] bool ended() const { return ended_; }

  // Of the certificate that the server sent.
  std::string common_name();
  int chain_length();

  struct SessionFree {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  using SessionPtr = std::unique_ptr<SSL_SESSION, SessionFree>;
  // What can be resumed; call after read(), since TLS 1.3 sends tickets behind the handshake.
  SessionPtr session();

 private:
  SslCtxPtr context_;
  SslPtr ssl_;
  SessionPtr last_session_;
  bool failed_ = false;
  bool ended_ = false;
};

// Takes an engine's output in pieces of at most `piece_bytes`.
std::string take_output(Engine& engine, std::size_t piece_bytes = SIZE_MAX);

// What the server read on the way.
struct Arrived {
  Status status = Status::kOk;  // the engine's last
  std::string plaintext;
};

// Feeds `ciphertext` in pieces of `piece_bytes`, each from memory of its own that goes away
// afterwards, and reads what it brings.
Arrived deliver(Engine& engine, std::string_view ciphertext, std::size_t piece_bytes = SIZE_MAX);

// Shakes hands until both are done or one has failed; true: both are done, and the client has read
// its tickets.
bool shake_hands(Engine& engine, Client& client, std::size_t piece_bytes = SIZE_MAX);

}  // namespace portico::tls::testing
