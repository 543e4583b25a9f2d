// Looks at a ClientHello before anybody answers it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "proxy/net/deadline.h"
#include "proxy/net/transport.h"
#include "tls/client_hello.h"

namespace portico::server {

struct Peeked {
  // All that came is still unread in it; null: the client has gone, or took too long.
  std::unique_ptr<net::Transport> transport;
  std::optional<tls::ClientHello> hello;  // nothing: none, or not alone in its records
};

// One look, begun by start().
//
// Thread:    worker-bound.
// Lifetime:  destroying it gives up and closes. `done` is called once, and may destroy it.
class HelloPeek final : private net::TransportSink {
 public:
  using Handler = std::move_only_function<void(Peeked)>;

  HelloPeek(net::Loop& loop, std::unique_ptr<net::Transport> transport,
            std::chrono::milliseconds timeout, Handler done);
  // Not part of constructing it, since `done` may come from inside.
  void start() { transport_->start(*this); }

 private:
  std::size_t on_bytes(std::span<char> bytes) override;
  void on_end() override { give_up(); }
  void on_drained() override {}
  void on_error(net::TransportError) override { give_up(); }

  void finish(std::optional<tls::ClientHello> hello);
  void give_up();

  std::unique_ptr<net::Transport> transport_;
  Handler done_;
  net::Deadline deadline_;
  std::size_t needed_ = 0;  // no hello is whole with fewer bytes
};

}  // namespace portico::server
