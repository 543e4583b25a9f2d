#include "proxy/downstream/h2_connection.h"

#include <algorithm>
#include <utility>

namespace portico::downstream {

using http::H2Error;
using http::H2Frame;
using http::H2FrameType;

namespace {

constexpr std::chrono::seconds kFreshWhileDraining{5};
constexpr std::chrono::seconds kNoticeTime{1};  // a round trip is enough; this is for those who
                                                // don't answer a PING
constexpr std::chrono::milliseconds kSoon{1};
constexpr std::chrono::milliseconds kFarewell{1'000};            // for a flood to see its GOAWAY
constexpr std::size_t kFarewellBytes = std::size_t{256} * 1024;  // it may have sent by then
constexpr std::size_t kBytesAtOnce = std::size_t{16} * 1024;     // then a flood is looked for
// Answers that a client lets lie: beyond, no other request of it is served.
constexpr std::ptrdiff_t kMaxHeldBytes = std::ptrdiff_t{1} << 20;
// Where a worker holds this much, no connection may keep more than its fair part behind windows
// that it keeps shut (CVE-2019-9511).
constexpr std::ptrdiff_t kWorkersHeldBytes = std::ptrdiff_t{4} << 20;
constexpr std::ptrdiff_t kFairHeldBytes = std::ptrdiff_t{256} << 10;
// Frames of ours that wait for a client that does not read: some for each stream that it may have,
// and more only where it is made to have them (CVE-2019-9514).
constexpr std::size_t kQueuedFrames = 1024;
constexpr std::size_t kQueuedFramesOfAStream = 4;

http::H2Settings settings_for(const exchange::Context& context) {
  return {.max_concurrent_streams = context.clients.max_concurrent_streams,
          .max_field_section = static_cast<std::uint32_t>(context.options.head_limits.head_bytes),
          .extended_connect = true};
}

}  // namespace

H2Connection::H2Connection(H2Streams& streams, ConnectionOwner& owner,
                           std::unique_ptr<net::Transport> transport)
    : streams_(streams),
      context_(streams.context()),
      owner_(owner),
      transport_(std::move(transport)),
      session_(http::H2Session::Role::kServer, settings_for(context_), *this),
      max_queued_frames_(kQueuedFrames +
                         kQueuedFramesOfAStream * context_.clients.max_concurrent_streams),
      glitches_(context_.loop.now()),
      deadline_(context_.loop, [this] { on_deadline(); }),
      head_deadline_(context_.loop, [this] { on_head_deadline(); }) {}

H2Connection::~H2Connection() {
  due_.clear();
  open_.clear_and_dispose([](H2Stream* stream) { delete stream; });  // not to be used again
}

void H2Connection::start() {
  deadline_.arm(context_.draining ? kFreshWhileDraining : context_.clients.head_timeout);
  transport_->start(*this);
  pump();
}

void H2Connection::drain() {
  if (state_ == State::kOpen && requests_ == 0) {
    deadline_.arm(kFreshWhileDraining);
    return;
  }
  give_notice();
  pump();
}

void H2Connection::close() {
  if (is_serving()) {
    fail_streams("shutting down");
  }
  close_now(false);
}

// The client is told which requests were taken, so it takes a round trip.
bool H2Connection::close_if_idle() {
  if (state_ != State::kOpen || requests_ == 0 || !open_.empty()) {
    return false;
  }
  give_notice();
  pump();
  return true;
}

// ---- bytes in

std::size_t H2Connection::on_bytes(std::span<char> bytes) {
  if (is_serving()) {
    busy_ = true;
    bool sound = true;
    for (auto rest = bytes; sound && !rest.empty();) {
      const auto some = rest.first(std::min(rest.size(), kBytesAtOnce));
      sound =
          session_.receive(some) && !sent_away_ && session_.queued_frames() <= max_queued_frames_;
      rest = rest.subspan(some.size());
    }
    busy_ = false;
    if (!sound) {
      if (!std::exchange(sent_away_, true)) {
        session_.terminate(H2Error::kEnhanceYourCalm);  // unless more is known already
      }
      fail_streams("client floods, or breaks HTTP/2");
    }
    pump();  // a stream that is reset is not begun
    settle_and_pump();
  }
  if (sent_away_ && is_serving()) {
    close_now(true);  // it does not even read its GOAWAY
  }
  if (state_ == State::kLingering) {
    linger_on(bytes.size());
  }
  return bytes.size();
}

http::H2StreamEvents* H2Connection::on_stream_opened(std::int32_t id) {
  note_id(id);
  // Behind a GOAWAY that does not count it, a stream is tried again elsewhere.
  if (held_bytes_ > kMaxHeldBytes || sent_away_ || state_ >= State::kLeaving) {
    return nullptr;
  }
  ++requests_;
  auto* const stream = streams_.take().release();
  open_.push_back(*stream);
  stream->begin(*this, id);
  arm_idle_deadline();
  head_stream_ = id;
  head_deadline_.arm(context_.clients.head_timeout);
  if (!context_.clients.keeps_after(requests_)) {
    give_notice();
  }
  return stream;
}

// Ids that are passed over are closed by that (RFC 9113 5.1.1).
void H2Connection::note_id(std::int32_t id) {
  if (id > last_stream_ + 2) {
    skipped_from_ = last_stream_ + 2;
    skipped_to_ = id - 2;
  }
  last_stream_ = id;
}

void H2Connection::on_frame_begins(const H2Frame& frame) {
  if (frame.type != H2FrameType::kHeaders && frame.type != H2FrameType::kContinuation) {
    head_deadline_.cancel();
  }
  switch (frame.type) {
    case H2FrameType::kHeaders:
      if (frame.stream >= skipped_from_ && frame.stream <= skipped_to_) {
        session_.terminate(H2Error::kProtocol);  // nghttp2 would let it pass
      } else if (frame.stream <= last_stream_ || state_ >= State::kLeaving) {
        spend(Glitch::kLateHead);
      }
      return;
    case H2FrameType::kData:
      if (frame.length == 0 && !frame.end_stream) {
        spend(Glitch::kEmptyData);
      } else {
        glitches_.earn(GlitchBudget::kForDataReceived);
      }
      return;
    case H2FrameType::kPriority:
      return spend(Glitch::kPriority);
    case H2FrameType::kSettings:
      return frame.ack ? void() : spend(Glitch::kSettings);
    case H2FrameType::kPing:
      return frame.ack ? void() : spend(Glitch::kPing);
    case H2FrameType::kWindowUpdate:
      return spend(Glitch::kWindowUpdate);
    case H2FrameType::kContinuation:
      return spend(Glitch::kContinuation);
    case H2FrameType::kGoaway:
      return spend(Glitch::kGoaway);
    default:
      return;
  }
}

void H2Connection::on_control_frame(const H2Frame& frame) {
  if (frame.type == H2FrameType::kRstStream) {
    spend(Glitch::kReset);
  } else if (frame.type == H2FrameType::kData) {
    spend(Glitch::kEmptyData);
  } else if (frame.type == H2FrameType::kPing && frame.ack && state_ == State::kNoticed) {
    leave(H2Error::kNone);
  }
}

// What had us reset a stream is the client's doing, whichever frame it was.
void H2Connection::on_frame_sent(const H2Frame& frame) {
  if (frame.type != H2FrameType::kRstStream) {
    return;
  }
  switch (frame.error) {
    case H2Error::kRefusedStream:
      return spend(Glitch::kRefused);
    case H2Error::kProtocol:
    case H2Error::kFlowControl:
    case H2Error::kStreamClosed:
    case H2Error::kFrameSize:
      return spend(Glitch::kClientFault);
    default:
      return;
  }
}

void H2Connection::spend(Glitch glitch) {
  if (!glitches_.spend(glitch, context_.loop.now()) && !std::exchange(sent_away_, true)) {
    session_.terminate(H2Error::kEnhanceYourCalm);
  }
}

void H2Connection::on_end() {
  fail_streams("client closed");
  close_now(false);
}

void H2Connection::on_drained() {
  blocked_ = false;
  if (state_ == State::kLingering) {
    linger();
    return;
  }
  arm_deadline();
  pump();
  if (!blocked_) {
    for (auto& stream : open_) {
      settle_later(stream);
    }
  }
  settle_and_pump();
}

void H2Connection::on_error(net::TransportError error) {
  fail_streams(net::to_string(error));
  close_now(false);
}

// ---- streams

void H2Connection::settle_later(H2Stream& stream) {
  if (!stream.StreamHook<DueStreamTag>::is_linked()) {
    due_.push_back(stream);
  }
  send_later();
}

// At once, though an exchange may be on the stack: no endpoint may deliver meanwhile, and none of
// them calls back.
void H2Connection::stall_streams() {
  for (auto& stream : open_) {
    stream.stall();
  }
}

void H2Connection::settle() {
  while (!due_.empty() && state_ != State::kClosed) {
    H2Stream& stream = due_.front();
    due_.pop_front();
    stream.settle();
  }
}

void H2Connection::on_answer(bool last) {
  if (last) {
    give_notice();
    leave(H2Error::kNone);
  } else if (context_.draining) {
    give_notice();
  }
}

void H2Connection::on_held(std::ptrdiff_t change) {
  held_bytes_ += change;
  streams_.held_bytes += change;
}

bool H2Connection::is_too_much() {
  return !blocked_ && held_bytes_ > kFairHeldBytes && streams_.held_bytes > kWorkersHeldBytes;
}

void H2Connection::on_stream_over(H2Stream& stream) {
  stream.StreamHook<OpenStreamTag>::unlink();
  if (stream.StreamHook<DueStreamTag>::is_linked()) {
    stream.StreamHook<DueStreamTag>::unlink();
  }
  if (stream.id() == head_stream_) {
    head_deadline_.cancel();
  }
  streams_.give_back(std::unique_ptr<H2Stream>(&stream));
  if (open_.empty() && is_serving()) {
    arm_idle_deadline();
    send_later();  // perhaps it was the last
  }
}

void H2Connection::fail_streams(std::string_view reason) {
  while (!open_.empty()) {
    H2Stream& stream = open_.front();
    stream.fail(reason);
  }
}

// ---- bytes out

void H2Connection::send_later() {
  if (!busy_) {
    streams_.turn_end().add(*this);
  }
}

void H2Connection::send_now() {
  if (!busy_) {
    pump();
    streams_.turn_end().add(*this);
  }
}

void H2Connection::on_turn_end() {
  if (is_serving()) {
    settle_and_pump();
  }
}

void H2Connection::settle_and_pump() {
  settle();
  pump();
  if (is_serving()) {
    go_on();
  }
}

// All that the session can say now, in as few writes as the buffer allows.
void H2Connection::pump() {
  if (blocked_ || !is_serving()) {
    return;
  }
  if (!session_.has_to_send()) {
    return;
  }
  net::Buffer buffer = context_.loop.buffers().take_large();
  busy_ = true;
  for (;;) {
    const auto size = session_.send({buffer.data(), buffer.size()});
    if (size == 0 || !write({buffer.data(), size})) {
      break;
    }
  }
  busy_ = false;
  if (!due_.empty()) {
    send_later();
  }
}

bool H2Connection::write(std::span<const char> bytes) {
  const iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  if (!transport_->write({&piece, 1})) {
    blocked_ = true;
    unsent_bytes_ = transport_->unsent_bytes();
    arm_deadline();
    stall_streams();
  }
  return !blocked_;
}

// Whether it has taken anything since it was last looked at.
bool H2Connection::client_reads() {
  const auto before = std::exchange(unsent_bytes_, transport_->unsent_bytes());
  return unsent_bytes_ < before;
}

// ---- the end

// After a session has said what it could.
void H2Connection::go_on() {
  if (session_.is_over()) {
    fail_streams("client floods, or breaks HTTP/2");
    linger();
    return;
  }
  if (state_ == State::kLeaving && open_.empty() && !session_.has_to_send()) {
    linger();
  }
}

void H2Connection::give_notice() {
  if (state_ != State::kOpen) {
    return;
  }
  state_ = State::kNoticed;
  session_.submit_shutdown_notice();
  session_.submit_ping();
  send_later();
  arm_deadline();
}

void H2Connection::leave(H2Error error) {
  if (state_ >= State::kLeaving) {
    return;
  }
  state_ = State::kLeaving;
  session_.submit_goaway(error);
  arm_deadline();
  send_later();
}

void H2Connection::linger() {
  if (state_ < State::kLingering) {
    state_ = State::kLingering;
    head_deadline_.cancel();
    linger_end_ = context_.loop.now() + (sent_away_ ? kFarewell : context_.options.linger_limit);
  }
  if (!blocked_) {
    transport_->finish_writing();
  }
  arm_deadline();
}

// Each arrival puts the deadline off, and so may not be what it waits for.
void H2Connection::linger_on(std::size_t bytes) {
  lingered_bytes_ += bytes;
  if (context_.loop.now() >= linger_end_ || (sent_away_ && lingered_bytes_ > kFarewellBytes)) {
    close_now(false);
    return;
  }
  arm_deadline();
}

void H2Connection::close_now(bool reset) {
  if (state_ == State::kClosed) {
    return;
  }
  state_ = State::kClosed;
  deadline_.cancel();
  head_deadline_.cancel();
  transport_->close(reset);
  owner_.on_closed(*this);
}

void H2Connection::arm_deadline() {
  const auto& options = context_.options;
  if (blocked_) {
    deadline_.arm(options.client_send_timeout);
    return;
  }
  switch (state_) {
    case State::kOpen:
      if (open_.empty()) {
        deadline_.arm(requests_ == 0 ? context_.clients.head_timeout
                                     : context_.clients.idle_timeout);
      } else {
        deadline_.cancel();
      }
      return;
    case State::kNoticed:
      deadline_.arm(kNoticeTime);
      return;
    case State::kLeaving:
      deadline_.cancel();
      return;
    case State::kLingering: {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(linger_end_ - context_.loop.now());
      deadline_.arm(std::clamp(left, kSoon, options.linger_timeout));
      return;
    }
    case State::kClosed:
      return;
  }
}

// Neither what a client does not read nor a notice may be put off by what it asks for meanwhile.
void H2Connection::arm_idle_deadline() {
  if (state_ == State::kOpen && !blocked_) {
    arm_deadline();
  }
}

void H2Connection::on_deadline() {
  if (blocked_) {
    if (client_reads()) {
      deadline_.arm(context_.options.client_send_timeout);
      return;
    }
    fail_streams("client reads too slowly");
    close_now(true);
    return;
  }
  if (state_ == State::kLingering) {
    close_now(false);
    return;
  }
  leave(H2Error::kNone);
  settle_and_pump();
}

void H2Connection::on_head_deadline() {
  session_.terminate(H2Error::kEnhanceYourCalm);
  settle_and_pump();
}

}  // namespace portico::downstream
