#include <arpa/inet.h>
#include <array>
#include <utility>

#include <absl/strings/ascii.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls/client_context.h"
#include "tls/native.h"
#include "tls/ssl_engine.h"
#include "tls/verify_failure.h"

namespace portico::tls {
namespace {

bool is_ip(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> bytes;
  return inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

class ClientEngine final : public SslEngine {
 public:
  ClientEngine(std::shared_ptr<const ClientContext> context, std::string_view server_name,
               std::string_view server)
      : SslEngine(context->native().context.get()), context_(std::move(context)) {
    handshake_.server_name = server_name;
    absl::AsciiStrToLower(&handshake_.server_name);
    if (handshake_.server_name.ends_with('.')) {
      handshake_.server_name.pop_back();  // RFC 6066 3
    }
    SSL_set_app_data(ssl(), &handshake_);
    SSL_set_connect_state(ssl());
    if (!set_name()) {
      ERR_clear_error();
      fail("no name, or none that TLS can carry, to know the server by");
    }
    resume(server);
  }

  [[nodiscard]] std::string_view sni() const override {
    const char* sent = SSL_get_servername(ssl(), TLSEXT_NAMETYPE_host_name);
    return sent == nullptr ? std::string_view() : sent;
  }
  [[nodiscard]] CertificateStore::Reason certificate_reason() const override {
    return CertificateStore::Reason::kName;
  }

 private:
  // What is asked for by SNI, and what the certificate must say. An address is never sent (RFC 6066
  // 3).
  bool set_name() {
    const auto& name = handshake_.server_name;
    if (name.empty()) {
      return !context_->native().verifies;
    }
    auto* wanted = SSL_get0_param(ssl());
    if (is_ip(name)) {
      return X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1;
    }
    X509_VERIFY_PARAM_set_hostflags(
        wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const bool is_told =
        !context_->native().sends_server_name || SSL_set_tlsext_host_name(ssl(), name.c_str()) == 1;
    return is_told && X509_VERIFY_PARAM_set1_host(wanted, name.data(), name.size()) == 1;
  }

  // A session vouches for the name it was verified for, so that is part of its key.
  void resume(std::string_view server) {
    auto* const sessions = context_->native().sessions.get();
    if (sessions == nullptr) {
      return;
    }
    handshake_.sessions = sessions;
    handshake_.session_key.append(handshake_.server_name).append("@").append(server);
    if (const auto session = sessions->take(handshake_.session_key); session != nullptr) {
      SSL_set_session(ssl(), session.get());
    }
  }

  std::string_view explain_failure() override {
    const int reason = ERR_GET_REASON(ERR_peek_last_error());
    const std::string_view words = take_error("TLS failed without a reason");
    if (!handshake_.refusal.empty()) {
      return handshake_.refusal;
    }
    if (reason == SSL_R_WRONG_VERSION_NUMBER) {
      return "the server does not speak TLS on this port, or none that is this new";
    }
    if (reason > SSL_AD_REASON_OFFSET) {
      handshake_.refusal = "the server refuses: ";
      handshake_.refusal += words;
      return handshake_.refusal;
    }
    return words;
  }

  std::shared_ptr<const ClientContext> context_;
  ClientHandshake handshake_;
};

}  // namespace

std::unique_ptr<Engine> Engine::client(std::shared_ptr<const ClientContext> context,
                                       std::string_view server_name, std::string_view server) {
  return std::make_unique<ClientEngine>(std::move(context), server_name, server);
}

}  // namespace portico::tls
