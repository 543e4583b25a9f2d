#include "proxy/server/hello_peek.h"

#include <utility>

namespace portico::server {

HelloPeek::HelloPeek(net::Loop& loop, std::unique_ptr<net::Transport> transport,
                     std::chrono::milliseconds timeout, Handler done)
    : transport_(std::move(transport)),
      done_(std::move(done)),
      deadline_(loop, [this] { give_up(); }) {
  deadline_.arm(timeout);
}

// Takes nothing: whoever comes next begins with the same bytes. A hello whose record has room for
// more is none here, though it may be read: a server waits for the rest, and no client sends it.
std::size_t HelloPeek::on_bytes(std::span<char> bytes) {
  if (bytes.size() < needed_) {
    return 0;
  }
  auto result = tls::read_client_hello(bytes);
  if (const auto* incomplete = std::get_if<tls::ClientHelloIncomplete>(&result)) {
    needed_ = bytes.size() + incomplete->more;
    return 0;
  }
  auto* const hello = std::get_if<tls::ClientHello>(&result);
  const bool is_whole = hello != nullptr && tls::hello_bytes_to_feed(bytes);
  finish(is_whole ? std::optional(std::move(*hello)) : std::nullopt);
  return 0;
}

void HelloPeek::finish(std::optional<tls::ClientHello> hello) {
  deadline_.cancel();
  Handler done = std::move(done_);  // it may destroy this
  done({.transport = std::move(transport_), .hello = std::move(hello)});
}

void HelloPeek::give_up() {
  deadline_.cancel();
  transport_->close();
  Handler done = std::move(done_);
  done({});
}

}  // namespace portico::server
