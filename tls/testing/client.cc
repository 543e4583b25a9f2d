#include "tls/testing/client.h"

#include <algorithm>
#include <memory>

#include <openssl/err.h>

#include "tls/pem.h"

namespace portico::tls::testing {
namespace {

constexpr int kManyTurns = 20;

int keep_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<Client::SessionPtr*>(SSL_get_app_data(ssl))->reset(session);
  return 1;
}

std::string wire_form(const std::vector<std::string>& names) {
  std::string wire;
  for (const auto& name : names) {
    wire += static_cast<char>(name.size()) + name;
  }
  return wire;
}

}  // namespace

Client::Client(const ClientOptions& options) : context_(SSL_CTX_new(TLS_client_method())) {
  auto* context = context_.get();
  SSL_CTX_set_security_level(context, options.security_level);
  SSL_CTX_set_min_proto_version(context, options.version);
  SSL_CTX_set_max_proto_version(context, options.version);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  ssl_.reset(SSL_new(context));
  if (options.certificate != nullptr) {
    const auto parsed = parse_certificate(*options.certificate);
    must(parsed.has_value() && SSL_use_cert_and_key(ssl_.get(), parsed->leaf.get(),
                                                    parsed->key.get(), parsed->chain.get(), 1) == 1,
         "SSL_use_cert_and_key");
  }
  SSL_set_app_data(ssl_.get(), &last_session_);
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl_.get());
  if (!options.server_name.empty()) {
    SSL_set_tlsext_host_name(ssl_.get(), options.server_name.c_str());
  }
  if (const auto wire = wire_form(options.alpn); !wire.empty()) {
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
  }
  if (options.session != nullptr) {
    // A copy: OpenSSL never offers a session again that it has got a newer ticket for.
    const SessionPtr session(SSL_SESSION_dup(options.session));
    SSL_set_session(ssl_.get(), session.get());
  }
}

bool Client::handshake() {
  const int result = SSL_do_handshake(ssl_.get());
  const int error = SSL_get_error(ssl_.get(), result);
  failed_ = failed_ || (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ);
  ERR_clear_error();
  return result == 1;
}

std::string Client::take_output() {
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &bytes);
  std::string taken(bytes, static_cast<std::size_t>(size));
  std::ignore = BIO_reset(SSL_get_wbio(ssl_.get()));
  return taken;
}

void Client::receive(std::string_view ciphertext) {
  if (!ciphertext.empty()) {
    BIO_write(SSL_get_rbio(ssl_.get()), ciphertext.data(), static_cast<int>(ciphertext.size()));
  }
}

std::string Client::read() {
  std::string plaintext;
  std::array<char, 20'000> buffer;
  std::size_t count = 0;
  int result = 0;
  while ((result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count)) == 1) {
    plaintext.append(buffer.data(), count);
  }
  const int error = SSL_get_error(ssl_.get(), result);
  ended_ = error == SSL_ERROR_ZERO_RETURN;
  failed_ = failed_ || (!ended_ && error != SSL_ERROR_WANT_READ);
  ERR_clear_error();
  return plaintext;
}

void Client::write(std::string_view plaintext) {
  std::size_t count = 0;
  must(SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &count) == 1, "SSL_write_ex");
}

std::string Client::common_name() {
  const auto* certificate = SSL_get0_peer_certificate(ssl_.get());
  std::array<char, 256> name{};
  if (certificate != nullptr) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
  }
  return name.data();
}

int Client::chain_length() {
  return sk_X509_num(SSL_get_peer_cert_chain(ssl_.get()));
}

// A copy: OpenSSL never offers a session again whose connection was freed without a close_notify.
Client::SessionPtr Client::session() {
  return SessionPtr(last_session_ == nullptr ? nullptr : SSL_SESSION_dup(last_session_.get()));
}

std::string take_output(Engine& engine, std::size_t piece_bytes) {
  std::string taken;
  while (!engine.output().empty()) {
    const auto piece = engine.output().first(std::min(piece_bytes, engine.output().size()));
    taken.append(piece.data(), piece.size());
    engine.consume_output(piece.size());
  }
  return taken;
}

Arrived deliver(Engine& engine, std::string_view ciphertext, std::size_t piece_bytes) {
  Arrived arrived;
  std::array<char, 1000> buffer;
  while (!ciphertext.empty()) {
    const auto size = std::min(piece_bytes, ciphertext.size());
    const auto piece = std::make_unique<char[]>(size);  // so that ASan sees a late read
    std::copy_n(ciphertext.begin(), size, piece.get());
    engine.feed({piece.get(), size});
    Progress progress;
    do {
      progress = engine.read(buffer);
      arrived.plaintext.append(buffer.data(), progress.bytes);
    } while (progress.status == Status::kOk);
    arrived.status = progress.status;
    if (arrived.status != Status::kWantInput) {
      return arrived;
    }
    ciphertext.remove_prefix(size - engine.unread());
    engine.feed({});
  }
  return arrived;
}

bool shake_hands(Engine& engine, Client& client, std::size_t piece_bytes) {
  for (int turn = 0; turn < kManyTurns; ++turn) {
    const bool client_done = client.handshake();
    deliver(engine, client.take_output(), piece_bytes);
    const auto status = engine.handshake();
    client.receive(take_output(engine, piece_bytes));
    if (status == Status::kFailed || client.failed()) {
      client.handshake();  // reads the alert
      return false;
    }
    if (client_done && status == Status::kOk) {
      client.read();
      return true;
    }
  }
  return false;
}

}  // namespace portico::tls::testing
