// The admin listener: probes, metrics, explanations. A thread of its own, so that a busy controller
// or data plane does not fail a probe.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/socket_address.h"

namespace portico::server {

struct AdminRequest {
  std::string method, path, query;
};

struct AdminResponse {
  std::uint16_t status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using AdminReply = std::move_only_function<void(AdminResponse)>;
// Called on the admin thread; `reply` may be called from any, once.
using AdminHandler = std::move_only_function<void(const AdminRequest&, AdminReply reply)>;

// Thread:    made and destroyed by the controller's.
// Lifetime:  destroying it joins its thread. `reply`s that come later are dropped.
class AdminServer {
 public:
  static std::expected<std::unique_ptr<AdminServer>, std::string> open(
      const net::SocketAddress& address, AdminHandler handler);
  ~AdminServer();

  [[nodiscard]] net::Loop& loop();
  [[nodiscard]] const net::SocketAddress& address() const;
  void start();

 private:
  class Impl;
  explicit AdminServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
  std::thread thread_;
};

}  // namespace portico::server
