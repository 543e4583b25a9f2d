// A client's HTTP/1 connection (RFC 9112): one request after the other, each an Exchange.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "proxy/downstream/connection.h"
#include "proxy/downstream/slots.h"
#include "proxy/exchange/stream.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/net/deadline.h"
#include "proxy/net/transport.h"

namespace portico::http {
class HeadWriter;
}

namespace portico::downstream {

// Thread:    worker-bound.
// Lifetime:  the owner's, until on_closed. Pipelined requests wait in the transport's buffer.
// Memory:    between requests it holds no Slot and no buffer.
class H1Connection final : public Connection,
                           private net::TransportSink,
                           private exchange::ServerStream,
                           private http::MessageSink {
 public:
  H1Connection(exchange::Context& context, Slots& slots, ConnectionOwner& owner,
               std::unique_ptr<net::Transport> transport);
  ~H1Connection() override;

  void start() override;
  void drain() override;
  void close() override;
  bool close_if_idle() override;

 private:
  enum class State : std::uint8_t {
    kFresh,       // no byte yet
    kIdle,        // between two requests
    kHead,        // part of a head
    kExchange,    // a request is being served; its body may still come
    kTunnel,      // bytes both ways
    kDiscarding,  // answered; the rest of a small body is read so that the connection can go on
    kLingering,   // answered and told to close; what still comes is thrown away so that the answer
                  // is not lost to a reset
    kClosed,
  };

  // TransportSink
  std::size_t on_bytes(std::span<char> bytes) override;
  void on_end() override;
  void on_drained() override;
  void on_error(net::TransportError error) override;
  // MessageSink
  void on_body(std::span<char> piece) override;
  void on_message_end(const http::FieldBlock* trailers) override;
  // ServerStream
  void send_interim(const exchange::OutgoingResponse& response) override;
  void send_head(const exchange::OutgoingResponse& response) override;
  exchange::Flow write_body(std::span<const char> piece) override;
  void end(const http::FieldBlock* trailers) override;
  void flush() override;
  void read_more(bool credit) override;
  void abort() override;
  void finished() override;

  std::size_t feed(std::span<char> bytes);
  std::size_t feed_step(std::span<char> bytes);
  std::size_t take_head(std::span<char> bytes);
  std::size_t take_body(std::span<char> bytes);
  [[nodiscard]] bool is_h2_preface(std::span<const char> bytes) const;
  void hand_over_to_h2();
  void refuse(const http::ParseError& error);
  [[nodiscard]] bool exchange_open() const {
    return state_ == State::kExchange || state_ == State::kTunnel;
  }
  [[nodiscard]] bool can_discard_body(std::uint16_t status) const;
  void next_request();
  void rest();
  void linger();
  void wait_for_end();
  void linger_on();
  void close_when_sent();
  void close_now(bool reset);
  void on_deadline();
  exchange::Coding choose_coding(const exchange::OutgoingResponse& response);
  void write_head(const exchange::OutgoingResponse& response);
  void write_framing(http::HeadWriter& head, const exchange::OutgoingResponse& response);
  void note_write(bool all_sent);
  [[nodiscard]] bool client_reads();

  exchange::Context& context_;
  Slots& slots_;
  ConnectionOwner& owner_;
  std::unique_ptr<net::Transport> transport_;
  std::unique_ptr<Slot> slot_;
  net::Deadline deadline_;
  State state_ = State::kFresh;
  std::size_t unsent_bytes_ = 0;  // while write_blocked_: what the client had not taken
  std::chrono::steady_clock::time_point linger_end_;
  std::uint64_t requests_ = 0;  // whose heads have come
  bool keep_alive_ = true;
  bool body_credit_ = false;
  bool answer_ended_ = false;
  bool expects_continue_ = false;
  bool write_blocked_ = false;
  bool peer_ended_ = false;  // the client has sent its FIN
  bool in_feed_ = false;     // on_bytes is on the stack: it goes on with the next request itself
  bool cut_ = false;         // the answer was aborted: close with a reset
};

}  // namespace portico::downstream
