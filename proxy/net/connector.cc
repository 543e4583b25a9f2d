#include "proxy/net/connector.h"

#include <cerrno>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"
#include "proxy/net/readiness.h"
#include "proxy/net/tcp_transport_impl.h"

namespace portico::net {

namespace {

TransportError connect_error(int error) {
  switch (error) {
    case ECONNREFUSED:
      return TransportError::kConnectRefused;
    case ETIMEDOUT:
      return TransportError::kTimedOut;
    // Ours, whoever is to be reached.
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:
    case EADDRNOTAVAIL:
      return TransportError::kOther;
    default:
      return TransportError::kConnectFailed;
  }
}

void set_option(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

void apply(int fd, const ConnectOptions& options) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.unacknowledged_limit.count() > 0) {
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
               static_cast<int>(options.unacknowledged_limit.count()));
  }
  if (options.keepalive.count() > 0) {
    const int seconds = static_cast<int>(options.keepalive.count());
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  }
}

SocketAddress local_address_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::from(reinterpret_cast<const sockaddr&>(storage), length)
      .value_or(SocketAddress());
}

}  // namespace

class Connector::Attempt final : ReadinessHandler {
 public:
  Attempt(Loop& loop, const SocketAddress& to, const ConnectOptions& options, Handler done)
      : loop_(loop),
        to_(to),
        done_(std::move(done)),
        deadline_(loop, [this] { fail(TransportError::kTimedOut); }),
        poster_(loop.core(), [](void* self) { static_cast<Attempt*>(self)->on_posted(); }, this) {
    deadline_.arm(options.timeout);
    const int fd = ::socket(to.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      fail_later(errno);
      return;
    }
    apply(fd, options);
    if (::connect(fd, to.data(), to.size()) != 0 && errno != EINPROGRESS) {
      const int error = errno;
      ::close(fd);
      fail_later(error);
      return;
    }
    readiness_ = Readiness(loop.core(), fd, Readiness::Descriptor::kOwned, *this);
    readiness_.wait_writable();
  }

 private:
  void on_readable() override { readable_ = true; }

  void on_writable() override {
    pollfd state{.fd = readiness_.fd(), .events = POLLOUT, .revents = 0};
    if (::poll(&state, 1, 0) == 0) {
      readiness_.wait_writable();  // a false edge
      return;
    }
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(readiness_.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
      fail(connect_error(error));
      return;
    }
    const TransportInfo info{.peer = to_, .local = local_address_of(readiness_.fd())};
    deadline_.cancel();
    Handler done = std::move(done_);
    done(std::make_unique<TcpTransport>(loop_, info, std::move(readiness_), readable_));
  }

  void on_posted() { fail(error_); }

  void fail_later(int error) {
    error_ = connect_error(error);
    poster_.post();
  }

  void fail(TransportError error) {
    deadline_.cancel();
    readiness_.close();
    Handler done = std::move(done_);  // it may destroy this
    done(std::unexpected(error));
  }

  Loop& loop_;
  SocketAddress to_;
  Handler done_;
  Deadline deadline_;
  Poster poster_;
  Readiness readiness_;
  TransportError error_ = TransportError::kNone;
  bool readable_ = false;
};

Connector::Connector(Loop& loop, const SocketAddress& to, const ConnectOptions& options,
                     Handler done)
    : attempt_(std::make_unique<Attempt>(loop, to, options, std::move(done))) {}

Connector::~Connector() = default;

}  // namespace portico::net
