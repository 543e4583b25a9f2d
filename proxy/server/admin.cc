#include "proxy/server/admin.h"

#include <utility>

#include <absl/container/flat_hash_map.h>

#include "proxy/net/tcp_transport.h"
#include "proxy/server/admin_connection.h"

namespace portico::server {
namespace {

constexpr std::size_t kMaxConnections = 256;

}  // namespace

class AdminServer::Impl final : public AdminOwner, public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(AdminHandler handler) : handler_(std::move(handler)), reaper_(loop_) {}

  std::expected<void, std::string> open(const net::SocketAddress& address) {
    if (auto free = net::probe_address(address); address.port() != 0 && !free) {
      return free;
    }
    auto listener = net::Listener::open(
        loop_, address, [this](net::AcceptedSocket socket) { accept(std::move(socket)); });
    if (!listener) {
      return std::unexpected(std::move(listener.error()));
    }
    listener_ = std::move(*listener);
    return {};
  }

  net::Loop& loop() { return loop_; }
  const net::SocketAddress& address() const { return listener_->local_address(); }

 private:
  void accept(net::AcceptedSocket socket) {
    if (connections_.size() >= kMaxConnections) {
      return;
    }
    const auto id = ++last_id_;
    auto& connection = connections_[id];
    connection = std::make_unique<AdminConnection>(
        loop_, *this, net::make_tcp_transport(loop_, std::move(socket)), id);
    connection->start();
  }

  void on_request(AdminConnection& connection, const AdminRequest& request) override {
    handler_(request, [weak = weak_from_this(), id = connection.id()](AdminResponse response) {
      if (const auto self = weak.lock()) {
        self->loop_.post(
            [self = self.get(), id, response = std::move(response)] { self->reply(id, response); });
      }
    });
  }

  void reply(std::uint64_t id, const AdminResponse& response) {
    if (const auto found = connections_.find(id); found != connections_.end()) {
      found->second->answer(response);
    }
  }

  void on_closed(AdminConnection& connection) override {
    const auto found = connections_.find(connection.id());
    reaper_.take(std::move(found->second));
    connections_.erase(found);
  }

  net::Loop loop_;
  AdminHandler handler_;
  exchange::Reaper reaper_;
  absl::flat_hash_map<std::uint64_t, std::unique_ptr<AdminConnection>> connections_;
  std::uint64_t last_id_ = 0;
  std::unique_ptr<net::Listener> listener_;
};

std::expected<std::unique_ptr<AdminServer>, std::string> AdminServer::open(
    const net::SocketAddress& address, AdminHandler handler) {
  auto impl = std::make_shared<Impl>(std::move(handler));
  if (auto opened = impl->open(address); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

AdminServer::AdminServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

AdminServer::~AdminServer() {
  impl_->loop().stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

net::Loop& AdminServer::loop() {
  return impl_->loop();
}
const net::SocketAddress& AdminServer::address() const {
  return impl_->address();
}

void AdminServer::start() {
  thread_ = std::thread([this] { impl_->loop().run(); });
}

}  // namespace portico::server
