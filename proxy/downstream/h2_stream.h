// One request of a client's HTTP/2 connection and its answer: the ServerStream of an Exchange.
//
//   session ──on_fields_end, on_data──> H2Stream ──> Exchange
//   session <──supply, take──────────── H2Stream <── Exchange
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "proxy/exchange/exchange.h"
#include "proxy/exchange/reaper.h"
#include "proxy/exchange/stream.h"
#include "proxy/exchange/turn_end.h"
#include "proxy/http/h2_request.h"
#include "proxy/http/h2_session.h"
#include "proxy/net/deadline.h"

namespace portico::downstream {

class H2Stream;

// What a stream needs of its connection.
class H2StreamOwner {
 public:
  virtual http::H2Session& session() = 0;
  virtual const net::TransportInfo& info() = 0;
  // Something is to be sent: at the turn's end, or, where that may be, now.
  virtual void send_later() = 0;
  virtual void send_now() = 0;
  // settle() is to be called, from the loop.
  virtual void settle_later(H2Stream& stream) = 0;
  // A head is whole.
  virtual void on_head_end() = 0;
  // It was larger than heads may be; so much so that it is not answered.
  virtual void on_large_head() = 0;
  virtual void on_endless_head() = 0;
  // An answer begins; `last`: the connection takes no other request.
  virtual void on_answer(bool last) = 0;
  // A piece of an answer has gone out that was not cut short by a small window.
  virtual void on_piece_sent() = 0;
  // An endpoint's answer has gone out whole.
  virtual void on_answer_sent() = 0;
  // So many more bytes of answers wait for their client, or fewer.
  virtual void on_held(std::ptrdiff_t change) = 0;
  // The client has shut this stream's window, and has let so much lie that it is given up.
  virtual bool is_too_much() = 0;
  // The socket takes nothing.
  [[nodiscard]] virtual bool is_blocked() const = 0;
  // Neither the session nor an exchange knows it any more.
  virtual void on_stream_over(H2Stream& stream) = 0;

 protected:
  ~H2StreamOwner() = default;
};

struct OpenStreamTag;
struct DueStreamTag;
template <class Tag>
using StreamHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>,
                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Thread:    worker-bound.
// Lifetime:  lent to a connection by H2Streams for one stream; over once both the session and the
//            exchange have let go of it.
// Memory:    what comes and finds no credit: the stream's window; what the client does not take:
//            kHoldBytes and what one write brought.
class H2Stream final : public exchange::Mortal,
                       public http::H2StreamEvents,
                       public StreamHook<OpenStreamTag>,
                       public StreamHook<DueStreamTag>,
                       private exchange::ServerStream {
 public:
  explicit H2Stream(exchange::Context& context);

  void begin(H2StreamOwner& owner, std::int32_t id);
  [[nodiscard]] std::int32_t id() const { return id_; }
  // The whole head has come.
  [[nodiscard]] bool has_head() const { return request_ != Request::kHead; }
  // Its answer is not whole yet.
  [[nodiscard]] bool is_working() const { return exchange_open_; }
  // The connection is gone.
  void fail(std::string_view reason);
  // The socket takes nothing: its endpoint is not read from now on.
  void stall();
  // What was put off to the loop: bytes that found no credit, room that was waited for, a flush.
  void settle();
  // Forgets everything; it can begin() again.
  void clear();

  // H2StreamEvents
  bool on_field(std::string_view name, std::string_view value) override;
  void on_fields_end(bool end_stream) override;
  void on_data(std::span<const char> piece) override;
  void on_data_end() override;
  http::H2Supply supply(std::size_t limit) override;
  void take(std::span<char> to) override;
  void on_end_sent() override;
  void on_stream_closed(http::H2Error error) override;

 private:
  enum class Request : std::uint8_t { kHead, kBody, kEnding, kEnded };  // kEnding: not told yet
  enum class Answer : std::uint8_t { kNone, kBegun, kEnded };

  // ServerStream
  void send_interim(const exchange::OutgoingResponse& response) override;
  void send_head(const exchange::OutgoingResponse& response) override;
  exchange::Flow write_body(std::span<const char> piece) override;
  void end(const http::FieldBlock* trailers) override;
  void flush() override;
  void read_more(bool credit) override;
  void abort() override;
  void finished() override;

  void start(bool end_stream);
  void start_exchange();
  void refuse(const http::ParseError& error);
  void add_websocket_key();
  void list_fields(const exchange::OutgoingResponse& response, std::uint16_t status);
  void deliver();
  [[nodiscard]] bool may_deliver() const;
  void offer_end();
  void hold(std::span<const char> piece);
  void cut_request_once_answered();
  void await_body();
  void on_deadline();
  void release_if_over();
  [[nodiscard]] std::size_t waiting() const { return out_.size() - out_begin_ + direct_.size(); }
  // Its END_STREAM is to go out in a DATA frame, which even empty needs a window.
  [[nodiscard]] bool owes_end() const {
    return answer_ == Answer::kEnded && !end_sent_ && !bodiless_;
  }

  exchange::Context& context_;
  H2StreamOwner* owner_ = nullptr;
  http::RequestHead head_;
  http::H2RequestReader reader_;
  http::H2TrailerReader trailer_reader_;
  exchange::Exchange exchange_;
  net::Deadline deadline_;
  http::H2FieldList fields_;    // of the head, while it is being submitted
  http::H2FieldList trailers_;  // of the answer
  std::string in_;              // came without credit
  std::string out_;             // not taken yet
  std::size_t out_begin_ = 0;
  std::span<const char> direct_;    // of the write_body() that runs
  std::uint64_t received_ = 0;      // of the request's body
  std::uint64_t taken_ = 0;         // bytes of the answer, since the stream began
  std::uint64_t taken_before_ = 0;  // when the deadline was armed
  std::int32_t id_ = 0;
  Request request_ = Request::kHead;
  Answer answer_ = Answer::kNone;
  bool exchange_open_ = false;
  bool start_due_ = false;  // the exchange begins once all that has come is read
  bool session_open_ = false;
  bool peer_ended_ = false;  // END_STREAM came
  bool end_sent_ = false;    // END_STREAM left
  bool credit_ = false;
  bool client_waits_ = false;  // the exchange was told kWait
  bool flush_due_ = false;
  bool given_up_ = false;      // what was written is lost: settle() ends it
  bool has_trailers_ = false;  // of the request
  bool bodiless_ = false;      // END_STREAM went with the answer's head
  bool own_answer_ = false;    // no endpoint's
  bool tunnel_ = false;        // extended CONNECT: asked for
  bool expects_continue_ = false;
};

// A worker's spare streams, warm ones first; at most kSpare are kept.
class H2Streams {
 public:
  H2Streams(exchange::Context& context, exchange::Reaper& reaper)
      : context_(context), reaper_(reaper), turn_end_(context.loop) {}

  std::unique_ptr<H2Stream> take();
  void give_back(std::unique_ptr<H2Stream> stream);
  [[nodiscard]] exchange::TurnEnd& turn_end() { return turn_end_; }
  [[nodiscard]] exchange::Context& context() { return context_; }
  [[nodiscard]] std::size_t spare() const { return spare_.size(); }

  // Bytes of answers that wait for clients, of all connections of the worker.
  std::ptrdiff_t held_bytes = 0;

 private:
  static constexpr std::size_t kSpare = 256;
  exchange::Context& context_;
  exchange::Reaper& reaper_;
  exchange::TurnEnd turn_end_;
  std::vector<std::unique_ptr<H2Stream>> spare_;
};

}  // namespace portico::downstream
