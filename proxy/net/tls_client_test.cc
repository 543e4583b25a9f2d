// The client's side of TlsHandshake, against our own server's side.
#include <optional>

#include <gtest/gtest.h>

#include "proxy/net/connector.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/net/testing/recording_sink.h"
#include "proxy/net/tls_transport.h"
#include "tls/client_context.h"
#include "tls/engine.h"
#include "tls/server_context.h"
#include "tls/testing/certificates.h"

namespace portico::net {
namespace {

using namespace std::chrono_literals;

class TlsClient : public ::testing::Test {
 protected:
  using Result = std::expected<std::unique_ptr<Transport>, TransportError>;

  TlsClient() {
    listener_ =
        *Listener::open(loop_, *SocketAddress::from("127.0.0.1", 0), [this](AcceptedSocket socket) {
          server_handshake_.emplace(
              loop_, make_tcp_transport(loop_, std::move(socket)),
              tls::Engine::server(*tls::ServerContext::create({}, nullptr),
                                  std::make_shared<const tls::CertificateStore>(certificate_)),
              60s, [this](Result result) {
                server_ = result ? std::move(*result) : nullptr;
                if (server_ != nullptr) {
                  server_->start(at_server_);
                }
              });
        });
  }

  // Connects and shakes hands; why it failed, or "".
  std::string connect(const tls::ClientOptions& options, std::string_view server_name) {
    std::optional<Result> told;
    std::string why;
    std::optional<TlsHandshake> handshake;
    Connector connector(loop_, listener_->local_address(), 60s, [&](Result connected) {
      handshake.emplace(loop_, std::move(*connected),
                        tls::Engine::client(*tls::ClientContext::create(options), server_name), 60s,
                        [&](Result result) {
                          why = handshake->failure();
                          told.emplace(std::move(result));
                        });
    });
    EXPECT_TRUE(until([&] { return told.has_value(); }));
    if (told->has_value()) {
      client_ = std::move(**told);
      client_->start(at_client_);
      return {};
    }
    EXPECT_EQ(told->error(), TransportError::kTlsFailed);
    return why;
  }
  bool until(std::function<bool()> done) { return loop_.run_until(std::move(done), 60s); }

  Loop loop_;
  std::shared_ptr<const routing::CertificateSpec> certificate_ =
      tls::testing::make_certificate({.names = {"a.example.com"}});
  testing::RecordingSink at_server_;
  testing::RecordingSink at_client_;
  std::unique_ptr<Listener> listener_;
  std::optional<TlsHandshake> server_handshake_;
  std::unique_ptr<Transport> server_;
  std::unique_ptr<Transport> client_;
};

TEST_F(TlsClient, CarriesBytesBothWaysAndTellsTheEnd) {
  ASSERT_EQ(
      connect({.authorities_pem = certificate_->chain_pem, .alpn = {"http/1.1"}}, "a.example.com"),
      "");
  EXPECT_EQ(client_->info().tls->sni, "a.example.com");
  EXPECT_EQ(client_->info().tls->alpn, "http/1.1");
  EXPECT_EQ(client_->info().peer, listener_->local_address());
  testing::write(*client_, "ping");
  ASSERT_TRUE(until([&] { return at_server_.received == "ping"; }));
  const std::string bulk(300'000, 'x');
  testing::write(*server_, bulk);
  server_->finish_writing();
  ASSERT_TRUE(until([&] { return at_client_.ends == 1; }));
  EXPECT_EQ(at_client_.received, bulk);
}

TEST_F(TlsClient, AFailureSaysWhy) {
  EXPECT_EQ(connect({.authorities_pem = certificate_->chain_pem}, "b.example.com"),
            "the certificate is for a.example.com, not for b.example.com");
}

TEST_F(TlsClient, AnEngineThatCannotBeginFailsLater) {
  EXPECT_EQ(connect({.authorities_pem = certificate_->chain_pem}, ""),
            "no name, or none that TLS can carry, to know the server by");
}

}  // namespace
}  // namespace portico::net
