// Accepting: one listening socket per worker, all on the same port.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/net/socket_address.h"

namespace portico::net {

class Loop;

// What somebody wants to have for as long as a connection's socket is open.
class Attachment {
 public:
  Attachment() = default;
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;
  virtual ~Attachment() = default;
};

// A connection that was accepted and belongs to nobody yet. Closed when it dies unused.
class AcceptedSocket {
 public:
  AcceptedSocket(int fd, const SocketAddress& peer, const SocketAddress& local)
      : fd_(fd), peer_(peer), local_(local) {}
  AcceptedSocket(AcceptedSocket&& other) noexcept;
  AcceptedSocket& operator=(AcceptedSocket&& other) noexcept;
  ~AcceptedSocket();

  [[nodiscard]] const SocketAddress& peer() const { return peer_; }
  [[nodiscard]] const SocketAddress& local() const { return local_; }
  // The descriptor (non-blocking, close-on-exec, TCP_NODELAY) is the caller's now.
  [[nodiscard]] int release();

  // Goes to the Transport that is made of this.
  void attach(std::unique_ptr<Attachment> attachment) { attachment_ = std::move(attachment); }
  [[nodiscard]] Attachment* attachment() const { return attachment_.get(); }
  [[nodiscard]] std::unique_ptr<Attachment> release_attachment() { return std::move(attachment_); }

  // Sends `farewell` (empty: nothing) without waiting, and closes. A client that has sent more than
  // was read may see a reset instead.
  void refuse(std::string_view farewell);

 private:
  int fd_;
  SocketAddress peer_;
  SocketAddress local_;
  std::unique_ptr<Attachment> attachment_;
};

// Nothing listens on `address`, and this process may: binds it for a moment without SO_REUSEPORT,
// which would hide another program on the port. The error is one line for the user.
std::expected<void, std::string> probe_address(const SocketAddress& address);

// Thread:    worker-bound.
// Lifetime:  destroying it closes the socket; what is queued in the kernel is reset then (see
//            stop_accepting). `on_accept` may destroy it.
// Errors:    open() says in one line why it can't. Running out of descriptors sheds load: the
//            connection is accepted with a descriptor held in reserve and closed, and counted.
class Listener {
 public:
  using AcceptHandler = std::move_only_function<void(AcceptedSocket)>;

  // [::] takes IPv4 too, and falls back to 0.0.0.0 where IPv6 is switched off. Port 0: the kernel
  // picks one; open the other workers' listeners on local_address().
  static std::expected<std::unique_ptr<Listener>, std::string> open(Loop& loop,
                                                                    const SocketAddress& address,
                                                                    AcceptHandler on_accept);
  virtual ~Listener() = default;

  [[nodiscard]] virtual const SocketAddress& local_address() const = 0;
  // Accepts what has been queued (calling on_accept before it returns), then closes.
  virtual void stop_accepting() = 0;
  // Connections closed unserved for want of descriptors.
  [[nodiscard]] virtual std::uint64_t shed_count() const = 0;
};

}  // namespace portico::net
