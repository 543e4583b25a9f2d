#include "proxy/net/listener.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "proxy/net/loop.h"
#include "proxy/net/readiness.h"

namespace portico::net {

namespace {

constexpr int kBacklog = 4096;  // the kernel bounds it by somaxconn
constexpr int kMaxAcceptsPerTurn = 64;

int open_reserve() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

std::string failure(const SocketAddress& address, int error) {
  const char* reason = std::strerror(error);
  if (error == EADDRINUSE) {
    reason = "the port is in use by another program";
  } else if (error == EACCES) {
    reason = "ports below 1024 need the right to bind them (CAP_NET_BIND_SERVICE)";
  } else if (error == EADDRNOTAVAIL) {
    reason = "this machine has no such address";
  }
  return "cannot listen on " + address.to_string() + ": " + reason;
}

// A bound socket, or -errno.
int bind_socket(const SocketAddress& address, bool share_port) {
  const int fd = ::socket(address.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -errno;
  }
  const int on = 1;
  const int off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Inherited by what is accepted: one call here instead of one per connection.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (share_port) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (address.is_v6()) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (::bind(fd, address.data(), address.size()) != 0) {
    const int error = errno;
    ::close(fd);
    return -error;
  }
  return fd;
}

// [::] means every address there is: without IPv6, those of IPv4.
int bind_with_fallback(const SocketAddress& address, bool share_port) {
  const int fd = bind_socket(address, share_port);
  const bool no_ipv6 = fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL;
  if (no_ipv6 && address.is_v6() && address.is_unspecified()) {
    return bind_socket(SocketAddress().with_port(address.port()), share_port);
  }
  return fd;
}

SocketAddress local_address_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::from(reinterpret_cast<const sockaddr&>(storage), length)
      .value_or(SocketAddress());
}

class SocketListener final : public Listener, ReadinessHandler {
 public:
  SocketListener(Loop& loop, int fd, AcceptHandler on_accept)
      : local_(local_address_of(fd)),
        on_accept_(std::move(on_accept)),
        reserve_(open_reserve()),
        poster_(
            loop.core(), [](void* self) { static_cast<SocketListener*>(self)->on_readable(); },
            this),
        readiness_(loop.core(), fd, Readiness::Descriptor::kOwned, *this) {}
  ~SocketListener() override {
    if (destroyed_ != nullptr) {
      *destroyed_ = true;
    }
    ::close(reserve_);
  }

  [[nodiscard]] const SocketAddress& local_address() const override { return local_; }
  [[nodiscard]] std::uint64_t shed_count() const override { return shed_; }

  void stop_accepting() override {
    if (!readiness_) {
      return;
    }
    bool destroyed = false;
    bool* const outer = std::exchange(destroyed_, &destroyed);
    while (!destroyed && accept_one()) {
    }
    if (destroyed) {
      if (outer != nullptr) {
        *outer = true;
      }
      return;
    }
    destroyed_ = outer;
    readiness_.close();
  }

 private:
  void on_readable() override {
    bool destroyed = false;
    destroyed_ = &destroyed;
    for (int accepted = 0; accepted < kMaxAcceptsPerTurn; ++accepted) {
      if (!readiness_ || !accept_one()) {
        if (!destroyed) {
          destroyed_ = nullptr;
          if (readiness_) {
            readiness_.wait_readable();
          }
        }
        return;
      }
      if (destroyed) {
        return;
      }
    }
    destroyed_ = nullptr;
    poster_.post();
  }
  void on_writable() override {}

  // False: nothing is queued.
  bool accept_one() {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    const int fd = ::accept4(readiness_.fd(), reinterpret_cast<sockaddr*>(&storage), &length,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE) {
        return shed_one();
      }
      // Everything else is one connection's failure (accept(2)): the next one may be good.
      return errno != EAGAIN && errno != EWOULDBLOCK && errno != EINVAL && errno != EBADF;
    }
    const auto peer = SocketAddress::from(reinterpret_cast<const sockaddr&>(storage), length);
    // Only a listener on every address has to ask which one was meant.
    const SocketAddress local = local_.is_unspecified() ? local_address_of(fd) : local_;
    on_accept_(AcceptedSocket(fd, peer.value_or(SocketAddress()), local));
    return true;
  }

  // Left queued, a connection would wait for its client's patience, and its edge would not come
  // again.
  bool shed_one() {
    ::close(reserve_);
    const int fd = ::accept4(readiness_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      ::close(fd);
      ++shed_;
    }
    reserve_ = open_reserve();
    return fd >= 0;
  }

  SocketAddress local_;
  AcceptHandler on_accept_;
  int reserve_;
  std::uint64_t shed_ = 0;
  bool* destroyed_ = nullptr;
  Poster poster_;
  Readiness readiness_;
};

}  // namespace

AcceptedSocket::AcceptedSocket(AcceptedSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      peer_(other.peer_),
      local_(other.local_),
      attachment_(std::move(other.attachment_)) {}

AcceptedSocket& AcceptedSocket::operator=(AcceptedSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  peer_ = other.peer_;
  local_ = other.local_;
  std::swap(attachment_, other.attachment_);
  return *this;
}

AcceptedSocket::~AcceptedSocket() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

int AcceptedSocket::release() {
  return std::exchange(fd_, -1);
}

void AcceptedSocket::refuse(std::string_view farewell) {
  if (!farewell.empty() &&
      ::send(fd_, farewell.data(), farewell.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
    // A request that is here already would turn the close into a reset, which overtakes what was
    // just sent: what is here is read once.
    char seen[16 * 1024];
    ::shutdown(fd_, SHUT_WR);
    [[maybe_unused]] const auto ignored = ::recv(fd_, seen, sizeof seen, MSG_DONTWAIT);
  }
  ::close(std::exchange(fd_, -1));
}

std::expected<void, std::string> probe_address(const SocketAddress& address) {
  const int fd = bind_with_fallback(address, false);
  if (fd < 0) {
    return std::unexpected(failure(address, -fd));
  }
  ::close(fd);
  return {};
}

std::expected<std::unique_ptr<Listener>, std::string> Listener::open(Loop& loop,
                                                                     const SocketAddress& address,
                                                                     AcceptHandler on_accept) {
  loop.check_thread();
  const int fd = bind_with_fallback(address, true);
  if (fd < 0) {
    return std::unexpected(failure(address, -fd));
  }
  if (::listen(fd, kBacklog) != 0) {
    const int error = errno;
    ::close(fd);
    return std::unexpected(failure(address, error));
  }
  return std::make_unique<SocketListener>(loop, fd, std::move(on_accept));
}

}  // namespace portico::net
