// An HTTP server of a few lines on a loopback port, which says what a test wants: whole answers,
// half ones, none.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/listener.h"
#include "proxy/net/socket_address.h"
#include "proxy/net/tls_transport.h"
#include "proxy/net/transport.h"

namespace portico::tls {
class CertificateStore;
class ServerContext;
}  // namespace portico::tls

namespace portico::kube {

struct FakeRequest {
  std::string head;
  std::string body;

  // "GET /api HTTP/1.1"
  [[nodiscard]] std::string line() const { return head.substr(0, head.find("\r\n")); }
  [[nodiscard]] std::string field(std::string_view name) const;
};

// One client's connection.
class FakeConnection final : net::TransportSink {
 public:
  using OnRequest = std::function<void(FakeConnection&, const FakeRequest&)>;

  FakeConnection(std::unique_ptr<net::Transport> transport, OnRequest on_request);
  void send(std::string_view bytes);
  void finish() { transport_->finish_writing(); }
  void close() { transport_->close(); }
  void reset() { transport_->close(/*reset=*/true); }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  std::size_t on_bytes(std::span<char> bytes) override;
  void on_end() override { ended_ = true; }
  void on_drained() override {}
  void on_error(net::TransportError) override { ended_ = true; }

  std::unique_ptr<net::Transport> transport_;
  OnRequest on_request_;
  bool ended_ = false;
};

// Thread:    the loop's.
class FakeApiServer {
 public:
  explicit FakeApiServer(net::Loop& loop, const std::string& address = "127.0.0.1:0");
  // From here on connections shake hands first.
  void serve_tls(std::shared_ptr<const tls::ServerContext> context,
                 std::shared_ptr<const tls::CertificateStore> store);

  [[nodiscard]] const net::SocketAddress& address() const { return address_; }
  void stop() { listener_.reset(); }
  void close_all();

  FakeConnection::OnRequest on_request;
  std::vector<FakeRequest> requests;
  std::vector<std::unique_ptr<FakeConnection>> connections;  // all there ever were

 private:
  void accept(net::AcceptedSocket socket);
  void add(std::unique_ptr<net::Transport> transport);

  net::Loop& loop_;
  std::unique_ptr<net::Listener> listener_;
  net::SocketAddress address_;
  std::shared_ptr<const tls::ServerContext> context_;
  std::shared_ptr<const tls::CertificateStore> store_;
  std::vector<std::unique_ptr<net::TlsHandshake>> handshakes_;
};

// "HTTP/1.1 200 OK" with Content-Length and `body`.
std::string fake_answer(std::string_view body, std::string_view status = "200 OK",
                        std::string_view more_fields = "");

}  // namespace portico::kube
