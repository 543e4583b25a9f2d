// The other end of a connection under test: a client's socket, plain or TLS, that never blocks.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/net/socket_address.h"

namespace portico::net::testing {

class Peer {
 public:
  virtual ~Peer() = default;

  // Moves what can be moved: sends what is queued, reads what is there into received().
  virtual void drive() = 0;
  // Queues and sends what the socket takes; unsent() says what it did not.
  virtual void send(std::string_view bytes) = 0;
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  virtual void finish() = 0;  // end of what it sends, in its protocol's way

  void close_with_reset();
  void cut();  // FIN, whatever its protocol says
  void stop_reading() { reading_ = false; }
  void start_reading() { reading_ = true; }

  [[nodiscard]] std::string& received() { return received_; }
  [[nodiscard]] bool ended() const { return ended_; }      // the transport finished writing
  [[nodiscard]] bool was_reset() const { return reset_; }  // ECONNRESET
  [[nodiscard]] int fd() const { return fd_; }

 protected:
  explicit Peer(const SocketAddress& to);
  void flush();
  [[nodiscard]] std::size_t unflushed() const { return unsent_.size() - sent_; }
  std::string read_socket();
  void close_socket();

  int fd_;
  bool reading_ = true;
  bool socket_ended_ = false;
  bool ended_ = false;
  bool reset_ = false;
  std::string received_;
  std::string unsent_;  // but for its first `sent_` bytes
  std::size_t sent_ = 0;
};

std::unique_ptr<Peer> connect_plain(const SocketAddress& to);
// Its handshake goes on in drive().
std::unique_ptr<Peer> connect_tls(const SocketAddress& to);

}  // namespace portico::net::testing
