// The backend behind every proxy measured: answers each HTTP/1.1 request on a keep-alive connection
// with one fixed 200. It reads as little as it can: the end of the head, and Content-Length to skip
// a body (no chunked requests, no HEAD). Requests may be pipelined.
//
// Usage: portico_bench_backend BODY_BYTES FILL ADDRESSES
// The body is BODY_BYTES times the character FILL. Listens on 127.0.0.1 and, with ADDRESSES above
// one, on 127.1.0.1, 127.1.0.2, ... too, all with one port, which it prints first.
#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <strings.h>
#include <sys/epoll.h>
#include <unordered_map>

#include "bench/common/socket.h"

namespace portico::bench {
namespace {

// Answers of up to this size are one string and one send; of larger ones the body is sent piece by
// piece.
constexpr std::uint64_t kChunkBytes = 64 * 1024;

struct Answer {
  Answer(std::uint64_t body_bytes, char fill)
      : piece(std::min(body_bytes, kChunkBytes), fill), body_bytes(body_bytes) {
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
           std::to_string(body_bytes) + "\r\n\r\n";
    whole = head + piece;
  }
  std::string head, piece, whole;
  std::uint64_t body_bytes;
};

std::uint64_t content_length(std::string_view head) {
  constexpr std::string_view kName = "\ncontent-length:";
  for (std::size_t at = head.find('\n'); at != head.npos; at = head.find('\n', at + 1)) {
    if (head.size() - at > kName.size() &&
        strncasecmp(head.data() + at, kName.data(), kName.size()) == 0) {
      return std::strtoull(head.data() + at + kName.size(), nullptr, 10);
    }
  }
  return 0;
}

class Connection {
 public:
  Connection(int fd, const Answer& answer) : fd_(fd), answer_(answer) {}
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool wants_write() const { return !output_.empty() || body_to_send_ > 0; }

  // Each returns false when the connection is over.
  bool readable(std::string& scratch) {
    const ssize_t size = recv(fd_, scratch.data(), scratch.size(), 0);
    if (size <= 0) {
      return size < 0 && errno == EAGAIN;
    }
    take({scratch.data(), static_cast<std::size_t>(size)});
    return send_more();
  }

  bool writable() { return send_more(); }

 private:
  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t skipped = std::min<std::uint64_t>(body_to_skip_, bytes.size());
      body_to_skip_ -= skipped;
      bytes.remove_prefix(skipped);
      if (skipped > 0 && body_to_skip_ == 0) {
        queue_answer();
      }
      if (bytes.empty()) {
        return;
      }
      if (!partial_head_.empty()) {
        partial_head_.append(bytes);
        const std::string joined = std::move(partial_head_);
        partial_head_.clear();
        take_heads(joined);
        return;
      }
      bytes = take_head(bytes);
    }
  }

  void take_heads(std::string_view bytes) {
    bytes = take_head(bytes);
    take(bytes);
  }

  // Takes one head from the front, or keeps all as the start of one; gives back what follows.
  std::string_view take_head(std::string_view bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == bytes.npos) {
      partial_head_.assign(bytes);
      return {};
    }
    body_to_skip_ = content_length(bytes.substr(0, end + 2));
    if (body_to_skip_ == 0) {
      queue_answer();
    }
    return bytes.substr(end + 4);
  }

  void queue_answer() {
    if (answer_.body_bytes <= kChunkBytes) {
      output_ += answer_.whole;
      return;
    }
    output_ += answer_.head;
    body_to_send_ += answer_.body_bytes;
  }

  bool send_more() {
    while (wants_write()) {
      if (output_.empty()) {
        output_.assign(answer_.piece, 0, std::min<std::uint64_t>(body_to_send_, kChunkBytes));
        body_to_send_ -= output_.size();
      }
      const ssize_t sent = send(fd_, output_.data(), output_.size(), MSG_NOSIGNAL);
      if (sent < 0) {
        return errno == EAGAIN;
      }
      output_.erase(0, sent);
    }
    return true;
  }

  int fd_;
  const Answer& answer_;
  std::string partial_head_;
  std::string output_;
  std::uint64_t body_to_skip_ = 0;
  std::uint64_t body_to_send_ = 0;
};

class Backend {
 public:
  Backend(Answer answer, std::uint32_t addresses)
      : answer_(std::move(answer)),
        epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        first_listener_(listen_on(loopback(0))),
        last_listener_(first_listener_) {
    watch(EPOLL_CTL_ADD, first_listener_, EPOLLIN);
    for (std::uint32_t host = 1; host < addresses; ++host) {
      last_listener_ = listen_on(loopback(port_of(first_listener_), host));
      watch(EPOLL_CTL_ADD, last_listener_, EPOLLIN);
    }
    announce(first_listener_);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd <= last_listener_) {
          accept_all(events[i].data.fd);
        } else {
          serve(events[i]);
        }
      }
    }
  }

 private:
  void watch(int operation, int fd, std::uint32_t interest) {
    epoll_event event{.events = interest, .data = {.fd = fd}};
    check(epoll_ctl(epoll_, operation, fd, &event), "epoll_ctl");
  }

  void accept_all(int listener) {
    for (int fd = accept_one(listener); fd >= 0; fd = accept_one(listener)) {
      connections_.try_emplace(fd, std::make_unique<Connection>(fd, answer_));
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  void serve(const epoll_event& event) {
    Connection& connection = *connections_.at(event.data.fd);
    const bool was_writing = (event.events & EPOLLOUT) != 0;
    if (!(was_writing ? connection.writable() : connection.readable(scratch_))) {
      connections_.erase(event.data.fd);
      return;
    }
    // While an answer is stuck nothing more is read, so that queued answers stay bounded.
    if (connection.wants_write() != was_writing) {
      watch(EPOLL_CTL_MOD, event.data.fd, connection.wants_write() ? EPOLLOUT : EPOLLIN);
    }
  }

  Answer answer_;
  std::string scratch_ = std::string(kChunkBytes, '\0');
  int epoll_;
  int first_listener_;
  int last_listener_;  // opened in one go, so every descriptor up to it is a listener
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace
}  // namespace portico::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s BODY_BYTES FILL ADDRESSES\n", argv[0]);
    return 2;
  }
  const std::uint64_t body_bytes = std::strtoull(argv[1], nullptr, 10);
  portico::bench::Backend({body_bytes, argv[2][0]}, std::atoi(argv[3])).run();
}
