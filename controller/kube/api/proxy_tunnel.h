// A tunnel through an HTTP proxy, by CONNECT (RFC 9110 9.3.6).
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "controller/kube/api/answer_reader.h"
#include "controller/kube/api/client.h"
#include "proxy/net/deadline.h"
#include "proxy/net/transport.h"

namespace portico::kube {

// One attempt, begun by constructing it.
//
// Thread:    the loop's.
// Lifetime:  destroying it gives up. `done` may destroy it.
// Errors:    reach `done`, exactly once, never from inside the constructor.
class ProxyTunnel final : net::TransportSink {
 public:
  using Handler =
      std::move_only_function<void(std::expected<std::unique_ptr<net::Transport>, ApiFailure>)>;

  // `to`: "host:port". `credentials`: "user:password" for the proxy; may be empty.
  ProxyTunnel(net::Loop& loop, std::unique_ptr<net::Transport> proxy, std::string_view to,
              std::string_view credentials, std::chrono::milliseconds timeout, Handler done);

 private:
  std::size_t on_bytes(std::span<char> bytes) override;
  void on_end() override;
  void on_drained() override {}
  void on_error(net::TransportError error) override;
  void finish(ApiFailure::Kind kind, std::string why);

  std::unique_ptr<net::Transport> transport_;
  AnswerReader reader_;
  Handler done_;
  net::Deadline deadline_;
};

}  // namespace portico::kube
