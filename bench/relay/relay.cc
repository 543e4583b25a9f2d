// The reference: the least a process between a client and a backend can do with epoll. One thread;
// one upstream connection for each client connection; a read and a write for each message; nothing
// is parsed.
//
// Usage: portico_bench_relay UPSTREAM_PORT      prints its own port first
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <sys/epoll.h>
#include <unordered_map>
#include <vector>

#include "bench/common/socket.h"

namespace portico::bench {
namespace {

// One socket of a pair. What could not be written to it waits in `pending`, and meanwhile its peer
// is not read.
struct Half {
  int fd;
  int client_fd;  // names the pair
  Half* peer;
  std::string pending;
};

struct Pair {
  Half client;
  Half upstream;
};

class Relay {
 public:
  explicit Relay(std::uint16_t upstream_port)
      : upstream_(loopback(upstream_port)),
        epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        listener_(listen_on(loopback(0))) {
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
    announce(listener_);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        dispatch(events[i]);
      }
      closed_.clear();  // only now can no event of this batch name them
    }
  }

 private:
  void watch(int operation, int fd, std::uint32_t interest, Half* half) {
    epoll_event event{.events = interest, .data = {.ptr = half}};
    check(epoll_ctl(epoll_, operation, fd, &event), "epoll_ctl");
  }

  void dispatch(const epoll_event& event) {
    auto* half = static_cast<Half*>(event.data.ptr);
    if (half == nullptr) {
      accept_all();
      return;
    }
    if (half->fd < 0) {
      return;
    }
    if ((event.events & EPOLLOUT) != 0) {
      flush(*half);
      return;
    }
    forward(*half);
  }

  void accept_all() {
    for (int fd = accept_one(listener_); fd >= 0; fd = accept_one(listener_)) {
      auto pair = std::make_unique<Pair>();
      pair->client = {fd, fd, &pair->upstream, {}};
      pair->upstream = {connect_upstream(), fd, &pair->client, {}};
      watch(EPOLL_CTL_ADD, pair->client.fd, EPOLLIN, &pair->client);
      watch(EPOLL_CTL_ADD, pair->upstream.fd, EPOLLIN, &pair->upstream);
      pairs_.emplace(fd, std::move(pair));
    }
  }

  int connect_upstream() {
    const int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    check(connect(fd, reinterpret_cast<sockaddr*>(&upstream_), sizeof upstream_), "connect");
    set_no_delay(fd);
    return fd;
  }

  void forward(Half& from) {
    const ssize_t size = recv(from.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size <= 0) {
      if (size == 0 || errno != EAGAIN) {
        close_pair(from);
      }
      return;
    }
    const ssize_t sent = send(from.peer->fd, buffer_.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == size) {
      return;
    }
    if (sent < 0 && errno != EAGAIN) {
      close_pair(from);
      return;
    }
    const ssize_t done = sent < 0 ? 0 : sent;
    from.peer->pending.assign(buffer_.data() + done, size - done);
    watch(EPOLL_CTL_MOD, from.fd, 0, &from);
    watch(EPOLL_CTL_MOD, from.peer->fd, EPOLLOUT, from.peer);
  }

  void flush(Half& to) {
    const ssize_t sent =
        send(to.fd, to.pending.data(), to.pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) {
        close_pair(to);
      }
      return;
    }
    to.pending.erase(0, sent);
    if (to.pending.empty()) {
      watch(EPOLL_CTL_MOD, to.fd, to.peer->pending.empty() ? EPOLLIN : 0, &to);
      watch(EPOLL_CTL_MOD, to.peer->fd, to.peer->pending.empty() ? EPOLLIN : EPOLLOUT, to.peer);
    }
  }

  void close_pair(Half& half) {
    auto node = pairs_.extract(half.client_fd);
    Pair& pair = *node.mapped();
    close(pair.client.fd);
    close(pair.upstream.fd);
    pair.client.fd = pair.upstream.fd = -1;
    closed_.push_back(std::move(node.mapped()));
  }

  sockaddr_in upstream_;
  int epoll_;
  int listener_;
  std::array<char, 64 * 1024> buffer_;
  std::unordered_map<int, std::unique_ptr<Pair>> pairs_;
  std::vector<std::unique_ptr<Pair>> closed_;
};

}  // namespace
}  // namespace portico::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s UPSTREAM_PORT\n", argv[0]);
    return 2;
  }
  auto relay = std::make_unique<portico::bench::Relay>(std::atoi(argv[1]));
  relay->run();
}
