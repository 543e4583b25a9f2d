#include "tls/engine.h"

#include <utility>

#include "tls/native.h"
#include "tls/ssl_engine.h"

namespace portico::tls {
namespace {

class ServerEngine final : public SslEngine {
 public:
  ServerEngine(std::shared_ptr<const ServerContext> context,
               std::shared_ptr<const CertificateStore> store, const ServerPolicies* policies)
      : SslEngine(context->native().context.get()), context_(std::move(context)) {
    handshake_.ticket_keys = context_->native().keys.get();
    handshake_.store = std::move(store);
    handshake_.policies = policies;
    SSL_set_app_data(ssl(), &handshake_);
    SSL_set_accept_state(ssl());
  }

  [[nodiscard]] std::string_view sni() const override { return handshake_.sni; }
  [[nodiscard]] CertificateStore::Reason certificate_reason() const override {
    return handshake_.reason;
  }
  [[nodiscard]] const ClientCertificate* client_certificate() const override {
    return client_.get();
  }

 private:
  // A connection may stay for days: it keeps neither the version of the store nor the certificate
  // it began with.
  void on_handshake_done() override {
    handshake_.store.reset();
    handshake_.certificate = nullptr;
    handshake_.policies = nullptr;
    SSL_certs_clear(ssl());
    if (handshake_.policy.clients != nullptr) {
      take_client_certificate();
    }
  }

  void take_client_certificate() {
    auto native = std::make_unique<ClientCertificate::Native>();
    native->trust = handshake_.policy.clients;
    native->certificate.reset(SSL_get1_peer_certificate(ssl()));
    native->error = static_cast<int>(SSL_get_verify_result(ssl()));
    // It was judged when the session began.
    if (native->certificate != nullptr && native->error == X509_V_OK && resumed() &&
        X509_cmp_current_time(X509_get0_notAfter(native->certificate.get())) < 0) {
      native->error = X509_V_ERR_CERT_HAS_EXPIRED;
    }
    client_ = std::make_unique<const ClientCertificate>(std::move(native));
  }

  std::shared_ptr<const ServerContext> context_;
  Handshake handshake_;
  std::unique_ptr<const ClientCertificate> client_;  // where one was asked for
};

}  // namespace

std::unique_ptr<Engine> Engine::server(std::shared_ptr<const ServerContext> context,
                                       std::shared_ptr<const CertificateStore> store,
                                       const ServerPolicies* policies) {
  return std::make_unique<ServerEngine>(std::move(context), std::move(store), policies);
}

}  // namespace portico::tls
