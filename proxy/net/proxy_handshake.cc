#include "proxy/net/proxy_handshake.h"

#include <utility>

#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"
#include "proxy/net/proxy_header.h"
#include "proxy/net/tcp_transport_impl.h"

namespace portico::net {
namespace {

constexpr std::uint16_t kHttpsPort = 443;

// As ingress-nginx: where nothing else says it, the port that the client asked for tells whether
// the sender ended its TLS.
Announced scheme_of(const ProxyHeader& header) {
  const bool https = header.client_tls || header.addresses->destination.port() == kHttpsPort;
  return https ? Announced::kHttps : Announced::kHttp;
}

}  // namespace

class ProxyHandshake::Attempt final : TransportSink {
 public:
  Attempt(Loop& loop, AcceptedSocket socket, std::chrono::milliseconds timeout, Handler done)
      : transport_(std::make_unique<TcpTransport>(loop, std::move(socket))),
        done_(std::move(done)),
        deadline_(loop, [this] { fail(ProxyHandshakeError::kTimedOut); }) {
    deadline_.arm(timeout);
    transport_->start(*this);
  }

 private:
  std::size_t on_bytes(std::span<char> bytes) override {
    const auto result = decode_proxy_header(bytes);
    if (const auto* header = std::get_if<ProxyHeader>(&result)) {
      const auto taken = header->bytes;
      if (header->addresses) {
        transport_->announce(header->addresses->source, header->addresses->destination,
                             scheme_of(*header));
      }
      succeed();
      return taken;
    }
    if (std::holds_alternative<ProxyHeaderMalformed>(result)) {
      fail(ProxyHandshakeError::kMalformed);
    }
    return 0;
  }
  void on_end() override { fail(ProxyHandshakeError::kBroken); }
  void on_drained() override {}
  void on_error(TransportError) override { fail(ProxyHandshakeError::kBroken); }

  void succeed() {
    deadline_.cancel();
    Handler done = std::move(done_);  // it may destroy this
    done(std::move(transport_));
  }
  void fail(ProxyHandshakeError error) {
    deadline_.cancel();
    transport_->close(false);
    Handler done = std::move(done_);
    done(std::unexpected(error));
  }

  std::unique_ptr<TcpTransport> transport_;
  Handler done_;
  Deadline deadline_;
};

ProxyHandshake::ProxyHandshake(Loop& loop, AcceptedSocket socket, std::chrono::milliseconds timeout,
                               Handler done)
    : attempt_(std::make_unique<Attempt>(loop, std::move(socket), timeout, std::move(done))) {}

ProxyHandshake::~ProxyHandshake() = default;

}  // namespace portico::net
