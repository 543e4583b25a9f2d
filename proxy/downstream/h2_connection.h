// A client's HTTP/2 connection (RFC 9113): many requests at once, each an H2Stream.
//
//   kOpen ──drain──> kNoticed ──PING's ack, or a second──> kLeaving ──last stream──> kLingering
//                    (GOAWAY of no number)                 (GOAWAY of the last id)
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <boost/intrusive/list.hpp>

#include "proxy/downstream/connection.h"
#include "proxy/downstream/glitch_budget.h"
#include "proxy/downstream/h2_stream.h"
#include "proxy/exchange/turn_end.h"
#include "proxy/http/h2_session.h"
#include "proxy/net/deadline.h"
#include "proxy/net/transport.h"

namespace portico::downstream {

// Thread:    worker-bound.
// Lifetime:  the owner's, until on_closed.
// Errors:    what breaks the protocol is answered by RST_STREAM or GOAWAY.
// Memory:    a session (some 15 KiB), its streams, and one pooled buffer while it writes.
class H2Connection final : public Connection,
                           private net::TransportSink,
                           private http::H2ConnectionEvents,
                           private H2StreamOwner,
                           private exchange::TurnTask {
 public:
  H2Connection(H2Streams& streams, ConnectionOwner& owner,
               std::unique_ptr<net::Transport> transport);
  ~H2Connection() override;

  void start() override;
  void drain() override;
  void close() override;
  bool close_if_idle() override;

 private:
  enum class State : std::uint8_t {
    kOpen,
    kNoticed,    // the client knows that it should go elsewhere, and may still open streams
    kLeaving,    // no other stream is taken; those that are open are finished
    kLingering,  // FIN is sent; what still comes is thrown away
    kClosed,
  };

  // TransportSink
  std::size_t on_bytes(std::span<char> bytes) override;
  void on_end() override;
  void on_drained() override;
  void on_error(net::TransportError error) override;
  // H2ConnectionEvents
  http::H2StreamEvents* on_stream_opened(std::int32_t id) override;
  void on_frame_begins(const http::H2Frame& frame) override;
  void on_control_frame(const http::H2Frame& frame) override;
  void on_frame_sent(const http::H2Frame& frame) override;
  // H2StreamOwner
  http::H2Session& session() override { return session_; }
  const net::TransportInfo& info() override { return transport_->info(); }
  void send_later() override;
  void send_now() override;
  void settle_later(H2Stream& stream) override;
  void on_head_end() override { head_deadline_.cancel(); }
  void on_large_head() override { spend(Glitch::kLargeHead); }
  void on_endless_head() override { spend(Glitch::kEndlessHead); }
  void on_answer(bool last) override;
  void on_piece_sent() override { glitches_.earn(GlitchBudget::kForDataSent); }
  void on_answer_sent() override { glitches_.earn(GlitchBudget::kForAnswer); }
  void on_held(std::ptrdiff_t change) override;
  bool is_too_much() override;
  [[nodiscard]] bool is_blocked() const override { return blocked_; }
  void on_stream_over(H2Stream& stream) override;
  // TurnTask
  void on_turn_end() override;

  void spend(Glitch glitch);
  void note_id(std::int32_t id);
  void settle();
  void stall_streams();
  void pump();
  bool write(std::span<const char> bytes);
  void settle_and_pump();
  void go_on();
  void give_notice();
  void leave(http::H2Error error);
  void linger();
  void linger_on(std::size_t bytes);
  void fail_streams(std::string_view reason);
  void close_now(bool reset);
  void arm_deadline();
  void arm_idle_deadline();
  void on_deadline();
  void on_head_deadline();
  [[nodiscard]] bool client_reads();
  [[nodiscard]] bool is_serving() const { return state_ < State::kLingering; }

  using OpenStreams =
      boost::intrusive::list<H2Stream, boost::intrusive::base_hook<StreamHook<OpenStreamTag>>,
                             boost::intrusive::constant_time_size<false>>;
  using DueStreams =
      boost::intrusive::list<H2Stream, boost::intrusive::base_hook<StreamHook<DueStreamTag>>,
                             boost::intrusive::constant_time_size<false>>;

  H2Streams& streams_;
  exchange::Context& context_;
  ConnectionOwner& owner_;
  std::unique_ptr<net::Transport> transport_;
  http::H2Session session_;
  const std::size_t max_queued_frames_;
  GlitchBudget glitches_;
  OpenStreams open_;
  DueStreams due_;
  net::Deadline deadline_;       // idle, leaving, lingering, or writing without progress
  net::Deadline head_deadline_;  // of a head that has begun
  std::chrono::steady_clock::time_point linger_end_;
  std::size_t lingered_bytes_ = 0;
  std::size_t unsent_bytes_ = 0;   // while blocked_: what the client had not taken
  std::ptrdiff_t held_bytes_ = 0;  // of answers, by all streams
  std::uint64_t requests_ = 0;
  std::int32_t last_stream_ = -1;                   // the highest that was opened
  std::int32_t skipped_from_ = 1, skipped_to_ = 0;  // ids that the client passed over last
  std::int32_t head_stream_ = 0;  // whose head has begun and is not whole; 0: none
  State state_ = State::kOpen;
  bool sent_away_ = false;  // it has used up its patience
  bool blocked_ = false;    // the transport keeps something
  bool busy_ = false;       // the session is on the stack
};

}  // namespace portico::downstream
