#include "controller/kube/api/testing/fake_api_server.h"

#include <chrono>
#include <cstdlib>

#include "proxy/net/loop.h"
#include "proxy/net/tcp_transport.h"
#include "tls/engine.h"

namespace portico::kube {

std::string FakeRequest::field(std::string_view name) const {
  const std::string start = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(start);
  if (at == std::string::npos) {
    return {};
  }
  const std::size_t begin = at + start.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

FakeConnection::FakeConnection(std::unique_ptr<net::Transport> transport, OnRequest on_request)
    : transport_(std::move(transport)), on_request_(std::move(on_request)) {
  transport_->start(*this);
}

void FakeConnection::send(std::string_view bytes) {
  const iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  transport_->write({&piece, 1});
}

std::size_t FakeConnection::on_bytes(std::span<char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return 0;
  }
  FakeRequest request{.head = std::string(text.substr(0, end + 2))};
  const std::string length = request.field("Content-Length");
  const std::size_t size = length.empty() ? 0 : std::stoul(length);
  if (text.size() < end + 4 + size) {
    return 0;
  }
  request.body = text.substr(end + 4, size);
  on_request_(*this, request);
  return end + 4 + size;
}

FakeApiServer::FakeApiServer(net::Loop& loop, const std::string& address) : loop_(loop) {
  auto listener =
      net::Listener::open(loop, *net::SocketAddress::parse(address),
                          [this](net::AcceptedSocket socket) { accept(std::move(socket)); });
  if (!listener) {
    std::abort();
  }
  listener_ = std::move(*listener);
  address_ = listener_->local_address();
}

void FakeApiServer::serve_tls(std::shared_ptr<const tls::ServerContext> context,
                              std::shared_ptr<const tls::CertificateStore> store) {
  context_ = std::move(context);
  store_ = std::move(store);
}

void FakeApiServer::close_all() {
  for (const auto& connection : connections) {
    connection->close();
  }
}

void FakeApiServer::accept(net::AcceptedSocket socket) {
  auto transport = net::make_tcp_transport(loop_, std::move(socket));
  if (context_ == nullptr) {
    add(std::move(transport));
    return;
  }
  handshakes_.push_back(std::make_unique<net::TlsHandshake>(
      loop_, std::move(transport), tls::Engine::server(context_, store_), std::chrono::seconds(60),
      [this](auto made) {
        if (made) {
          add(std::move(*made));
        }
      }));
}

void FakeApiServer::add(std::unique_ptr<net::Transport> transport) {
  connections.push_back(std::make_unique<FakeConnection>(
      std::move(transport), [this](FakeConnection& connection, const FakeRequest& request) {
        requests.push_back(request);
        if (on_request) {
          on_request(connection, request);
        }
      }));
}

std::string fake_answer(std::string_view body, std::string_view status,
                        std::string_view more_fields) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(more_fields) + "\r\n" + std::string(body);
}

}  // namespace portico::kube
