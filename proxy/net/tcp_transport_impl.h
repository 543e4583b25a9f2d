// The Transport over a socket. For the files of this folder only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proxy/net/loop.h"
#include "proxy/net/readiness.h"
#include "proxy/net/send_batch.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/net/unread_buffer.h"

namespace portico::net {

class TcpTransport final : public Transport, ReadinessHandler, BatchedSender {
 public:
  // `readiness` is of a connected, non-blocking socket. `readable`: its first edge has come
  // already.
  TcpTransport(Loop& loop, const TransportInfo& info, Readiness readiness, bool readable);
  TcpTransport(Loop& loop, AcceptedSocket socket);
  ~TcpTransport() override;

  void start(TransportSink& sink) override;
  void pause_reading() override { paused_ = true; }
  void resume_reading() override;
  bool write(std::span<const iovec> pieces) override;
  void finish_writing() override;
  void close(bool reset) override;
  [[nodiscard]] std::uint64_t sent_bytes() const override { return sent_bytes_; }
  [[nodiscard]] std::size_t unsent_bytes() const override;
  [[nodiscard]] bool has_unread() const override { return readable_ || !unread_.empty(); }
  [[nodiscard]] const TransportInfo& info() const override { return info_; }

  // The connection speaks for another one, whose addresses these are.
  void announce(const SocketAddress& peer, const SocketAddress& local, Announced scheme) {
    info_.peer = peer;
    info_.local = local;
    info_.announced = scheme;
  }

 private:
  // What the socket did not take.
  struct Outgoing {
    std::string bytes;
    std::size_t sent = 0;
  };
  enum class Write : std::uint8_t { kOpen, kFinishing, kFinished };

  void on_readable() override;
  void on_writable() override;
  void send_batched(std::span<const char> bytes) override;

  // One visit from the loop; the two below it return false once the transport is gone or closed.
  void turn();
  bool read_some(bool fresh_edge);
  bool offer();

  [[nodiscard]] bool may_read() const { return sink_ != nullptr && !paused_ && !ended_; }
  void send_waiting();
  void send(std::span<const iovec> pieces, std::size_t bytes);
  ssize_t send_now(std::span<const iovec> pieces);
  void keep(std::span<const iovec> pieces, std::size_t bytes, std::size_t sent);
  void send_kept();
  void fail_write(int error);

  Loop& loop_;
  TransportSink* sink_ = nullptr;  // null: not started, closed, or told of its error
  TransportInfo info_;
  std::unique_ptr<Attachment> attachment_;
  Readiness readiness_;
  Poster poster_;
  UnreadBuffer unread_;
  std::unique_ptr<Outgoing> outgoing_;
  std::uint64_t sent_bytes_ = 0;
  bool* destroyed_ = nullptr;  // while a turn runs: a flag on the stack below it
  TransportError error_ = TransportError::kNone;
  Write write_state_ = Write::kOpen;
  bool readable_ = false;       // an edge has come, and the socket was not seen empty since
  bool edge_is_fresh_ = false;  // it is being handled in the turn it came in
  bool drain_owed_ = false;     // a write() said false
  bool paused_ = false;
  bool offer_due_ = false;  // unread bytes wait for the next turn, not for an arrival
  bool ended_ = false;
  bool end_told_ = false;  // to this sink
};

}  // namespace portico::net
