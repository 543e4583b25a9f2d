#include "tls/engine.h"

#include <utility>

#include "tls/native.h"
#include "tls/ssl_engine.h"

namespace portico::tls {
namespace {

class ServerEngine final : public SslEngine {
 public:
  ServerEngine(std::shared_ptr<const ServerContext> context,
               std::shared_ptr<const CertificateStore> store)
      : SslEngine(context->native().context.get()), context_(std::move(context)) {
    handshake_.store = std::move(store);
    SSL_set_app_data(ssl(), &handshake_);
    SSL_set_accept_state(ssl());
  }

  [[nodiscard]] std::string_view sni() const override { return handshake_.sni; }
  [[nodiscard]] CertificateStore::Reason certificate_reason() const override {
    return handshake_.reason;
  }

 private:
  // A connection may stay for days: it keeps neither the version of the store nor the certificate
  // it began with.
  void on_handshake_done() override {
    handshake_.store.reset();
    SSL_certs_clear(ssl());
  }

  std::shared_ptr<const ServerContext> context_;
  Handshake handshake_;
};

}  // namespace

std::unique_ptr<Engine> Engine::server(std::shared_ptr<const ServerContext> context,
                                       std::shared_ptr<const CertificateStore> store) {
  return std::make_unique<ServerEngine>(std::move(context), std::move(store));
}

}  // namespace portico::tls
