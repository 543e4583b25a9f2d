#include "proxy/net/testing/peer.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "tls/testing/client.h"

namespace portico::net::testing {

Peer::Peer(const SocketAddress& to)
    : fd_(::socket(to.data()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, to.data(), to.size()) != 0) {
    close_socket();
    return;
  }
  fcntl(fd_, F_SETFL, O_NONBLOCK);
}

void Peer::flush() {
  while (sent_ < unsent_.size()) {
    const auto left = std::string_view(unsent_).substr(sent_);
    const ssize_t sent = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      break;
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  // Seldom, because it moves all that is left.
  if (sent_ > unsent_.size() / 2) {
    unsent_.erase(0, std::exchange(sent_, 0));
  }
}

std::string Peer::read_socket() {
  std::string all;
  std::array<char, 65536> buffer;
  while (reading_ && !socket_ended_ && !reset_) {
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      socket_ended_ = got == 0;
      reset_ = reset_ || (got < 0 && errno == ECONNRESET);
      break;
    }
    all.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return all;
}

void Peer::close_socket() {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
}

void Peer::close_with_reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close_socket();
}

void Peer::cut() {
  ::shutdown(fd_, SHUT_WR);
}

namespace {

class PlainPeer final : public Peer {
 public:
  explicit PlainPeer(const SocketAddress& to) : Peer(to) {}
  ~PlainPeer() override { close_socket(); }

  void drive() override {
    flush();
    received_ += read_socket();
    ended_ = socket_ended_;
  }
  void send(std::string_view bytes) override {
    unsent_ += bytes;
    flush();
  }
  [[nodiscard]] std::size_t unsent() const override { return unflushed(); }
  void finish() override { ::shutdown(fd_, SHUT_WR); }
};

class TlsPeer final : public Peer {
 public:
  explicit TlsPeer(const SocketAddress& to) : Peer(to) { drive(); }
  ~TlsPeer() override { close_socket(); }

  void drive() override {
    client_.receive(read_socket());
    if (client_.handshake()) {
      received_ += client_.read();
      if (!early_.empty()) {
        client_.write(std::exchange(early_, {}));
      }
    }
    ended_ = client_.ended();
    flush_output();
  }
  void send(std::string_view bytes) override {
    if (!client_.handshake()) {
      early_ += bytes;
    } else {
      client_.write(bytes);
    }
    flush_output();
  }
  [[nodiscard]] std::size_t unsent() const override { return unflushed() + early_.size(); }
  void finish() override {
    SSL_shutdown(client_.ssl());
    flush_output();
    ::shutdown(fd_, SHUT_WR);
  }

 private:
  void flush_output() {
    unsent_ += client_.take_output();
    flush();
  }

  tls::testing::Client client_;
  std::string early_;
};

}  // namespace

std::unique_ptr<Peer> connect_plain(const SocketAddress& to) {
  return std::make_unique<PlainPeer>(to);
}

std::unique_ptr<Peer> connect_tls(const SocketAddress& to) {
  return std::make_unique<TlsPeer>(to);
}

}  // namespace portico::net::testing
