#include "proxy/downstream/h1_connection.h"

#include <algorithm>
#include <utility>

#include "proxy/http/h1_encoder.h"

namespace portico::downstream {

using exchange::Coding;
using exchange::Flow;
using http::Framing;

namespace {

constexpr std::size_t kDiscardBytes =
    64 * 1024;  // a larger unread body costs the client its connection
constexpr std::chrono::seconds kFreshWhileDraining{5};

routing::ProxyError client_error(std::uint16_t status, std::string_view reason) {
  return {.status = status, .side = routing::ErrorSide::kDownstream, .reason = reason};
}

}  // namespace

H1Connection::H1Connection(exchange::Context& context, Slots& slots, ConnectionOwner& owner,
                           std::unique_ptr<net::Transport> transport)
    : context_(context),
      slots_(slots),
      owner_(owner),
      transport_(std::move(transport)),
      deadline_(context.loop, [this] { on_deadline(); }) {}

H1Connection::~H1Connection() {
  if (exchange_open()) {
    slot_.reset();  // its neighbours would go on with it
  }
  if (slot_ != nullptr) {
    slots_.give_back(std::move(slot_));
  }
}

void H1Connection::start() {
  deadline_.arm(context_.draining ? kFreshWhileDraining : context_.clients.head_timeout);
  transport_->start(*this);
}

void H1Connection::drain() {
  if (state_ == State::kIdle) {
    close_when_sent();
    return;
  }
  if (state_ == State::kLingering) {
    linger();
    return;
  }
  if (state_ == State::kFresh) {
    deadline_.arm(kFreshWhileDraining);
  }
}

void H1Connection::close() {
  if (exchange_open()) {
    slot_->exchange.on_client_error(client_error(0, "shutting down"));
    return;
  }
  close_now(false);
}

bool H1Connection::close_if_idle() {
  if (state_ != State::kIdle || write_blocked_ || transport_->has_unread()) {
    return false;
  }
  close_now(false);
  return true;
}

// ---- bytes in

std::size_t H1Connection::on_bytes(std::span<char> bytes) {
  in_feed_ = true;
  const auto taken = feed(bytes);
  in_feed_ = false;
  if (exchange_open()) {
    slot_->exchange.on_request_flush();
  } else if (state_ == State::kIdle) {
    rest();
  }
  return taken;
}

std::size_t H1Connection::feed(std::span<char> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const auto step = feed_step(bytes.subspan(taken));
    if (step == 0) {
      break;
    }
    taken += step;
  }
  return taken;
}

std::size_t H1Connection::feed_step(std::span<char> bytes) {
  switch (state_) {
    case State::kFresh:
    case State::kIdle:
      if (write_blocked_) {
        // Pipelining without reading must not fill our memory with answers.
        transport_->pause_reading();
        return 0;
      }
      if (slot_ == nullptr) {
        slot_ = slots_.take();
      }
      state_ = State::kHead;
      deadline_.arm(context_.clients.head_timeout);
      return take_head(bytes);
    case State::kHead:
      return take_head(bytes);
    case State::kExchange:
    case State::kDiscarding:
      return take_body(bytes);
    case State::kTunnel:
      if (!body_credit_) {
        transport_->pause_reading();
        return 0;
      }
      slot_->exchange.on_request_body(bytes);
      return bytes.size();
    case State::kLingering:
      linger_on();
      return bytes.size();
    case State::kClosed:
      return bytes.size();
  }
  std::unreachable();
}

std::size_t H1Connection::take_head(std::span<char> bytes) {
  auto& decoder = slot_->decoder;
  const auto fed = decoder.feed_head(bytes);
  if (!fed) {
    if (is_h2_preface(bytes)) {
      hand_over_to_h2();
      return 0;
    }
    refuse(fed.error());
    return bytes.size();
  }
  if (*fed == 0) {
    return 0;
  }
  ++requests_;
  auto& head = decoder.head();
  head.wire_bytes = *fed;
  state_ = State::kExchange;
  keep_alive_ = head.keep_alive;
  body_credit_ = false;
  answer_ended_ = false;
  expects_continue_ = head.expect_continue && head.version_minor > 0;
  deadline_.cancel();
  slot_->exchange.start(*this, head, transport_->info());
  return *fed;
}

// Its request line is no HTTP/1 request's: only after a refusal is it looked for. Not over TLS,
// where ALPN has decided (RFC 9113 3.2).
bool H1Connection::is_h2_preface(std::span<const char> bytes) const {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const std::string_view text(bytes.data(), bytes.size());
  return requests_ == 0 && context_.clients.http2 && transport_->info().tls == nullptr &&
         text.substr(0, kPreface.size()) == kPreface.substr(0, text.size());
}

void H1Connection::hand_over_to_h2() {
  state_ = State::kClosed;
  deadline_.cancel();
  owner_.serve_h2(std::move(transport_));
  owner_.on_closed(*this);
}

std::size_t H1Connection::take_body(std::span<char> bytes) {
  auto& decoder = slot_->decoder;
  if (decoder.message_complete() || (state_ == State::kExchange && !body_credit_)) {
    transport_->pause_reading();
    return 0;
  }
  const auto fed = decoder.feed_body(bytes, *this);
  if (!fed) {
    keep_alive_ = false;
    if (state_ == State::kExchange) {
      slot_->exchange.on_client_error(client_error(fed.error().status, fed.error().reason));
    } else {
      linger();
    }
    return bytes.size();
  }
  if (state_ == State::kDiscarding && decoder.message_complete()) {
    next_request();
  }
  return *fed;
}

void H1Connection::refuse(const http::ParseError& error) {
  auto& head = slot_->decoder.head();
  head.clear();
  state_ = State::kExchange;
  keep_alive_ = false;
  body_credit_ = false;
  answer_ended_ = false;
  expects_continue_ = false;
  deadline_.cancel();
  slot_->exchange.refuse(*this, head, transport_->info(), error);
}

void H1Connection::on_body(std::span<char> piece) {
  if (state_ == State::kExchange) {
    deadline_.arm(context_.clients.body_timeout);
    slot_->exchange.on_request_body(piece);
  }
}

void H1Connection::on_message_end(const http::FieldBlock* trailers) {
  if (state_ == State::kExchange) {
    if (!write_blocked_) {
      deadline_.cancel();
    }
    slot_->exchange.on_request_end(trailers);
  }
}

void H1Connection::on_end() {
  peer_ended_ = true;
  switch (state_) {
    case State::kExchange:
      // A client may close its side behind its request and still read the answer.
      keep_alive_ = false;
      if (!slot_->decoder.message_complete()) {
        slot_->exchange.on_client_error(
            client_error(0, "client closed before the end of its body"));
        return;
      }
      slot_->exchange.on_client_half_closed();
      return;
    case State::kTunnel:
      slot_->exchange.on_request_end(nullptr);
      slot_->exchange.on_request_flush();
      return;
    case State::kLingering:
      if (!write_blocked_) {
        close_now(false);
      }
      return;
    default:
      close_when_sent();
  }
}

void H1Connection::on_drained() {
  write_blocked_ = false;
  if (state_ == State::kLingering) {
    linger();
    return;
  }
  if (state_ == State::kIdle) {
    deadline_.arm(context_.clients.idle_timeout);
    transport_->resume_reading();
    return;
  }
  if (!exchange_open()) {
    return;
  }
  if (body_credit_ && state_ == State::kExchange && !slot_->decoder.message_complete()) {
    deadline_.arm(context_.clients.body_timeout);
  } else {
    deadline_.cancel();
  }
  slot_->exchange.on_client_writable();
}

void H1Connection::on_error(net::TransportError error) {
  if (exchange_open()) {
    slot_->exchange.on_client_error(client_error(0, net::to_string(error)));
    return;
  }
  close_now(false);
}

void H1Connection::on_deadline() {
  if (write_blocked_ && client_reads()) {
    deadline_.arm(context_.options.client_send_timeout);
    return;
  }
  switch (state_) {
    case State::kHead:
      refuse({.status = 408, .reason = "head took too long"});
      return;
    case State::kExchange:
    case State::kTunnel:
      keep_alive_ = false;
      slot_->exchange.on_client_error(write_blocked_ ? client_error(0, "client reads too slowly")
                                                     : client_error(408, "body took too long"));
      return;
    default:
      close_now(write_blocked_);  // what was not sent must not look complete
  }
}

// ---- bytes out

void H1Connection::send_interim(const exchange::OutgoingResponse& response) {
  http::HeadWriter head(slot_->out.held());
  head.status_line(response.status, response.reason);
  response.write_fields(head);
  head.end();
  flush();
}

void H1Connection::send_head(const exchange::OutgoingResponse& response) {
  if (response.own && !slot_->decoder.message_complete() && !can_discard_body(response.status)) {
    keep_alive_ = false;
  }
  if (response.own && response.status == 400) {
    keep_alive_ = false;  // who reads it in another way may mean something else by what follows
  }
  // What follows a CONNECT may be meant for the tunnel it did not get: never a request.
  const bool wanted = !context_.draining && context_.pressure == exchange::Pressure::kNone &&
                      context_.clients.keeps_after(requests_);
  if (!wanted || slot_->decoder.head().method == http::Method::kConnect) {
    keep_alive_ = false;
  }
  slot_->out.set_coding(choose_coding(response));
  write_head(response);
  if (response.status == 101) {
    state_ = State::kTunnel;
    keep_alive_ = false;
    deadline_.cancel();
    if (peer_ended_) {
      transport_->start(*this);  // tells the end again: the tunnel has not heard of it
    }
  }
}

bool H1Connection::can_discard_body(std::uint16_t status) const {
  const auto& head = slot_->decoder.head();
  const bool framing_is_sound = status != 400 && status != 408 && status != 413;
  return framing_is_sound && !expects_continue_ && head.framing == Framing::kLength &&
         head.content_length <= kDiscardBytes;
}

Coding H1Connection::choose_coding(const exchange::OutgoingResponse& response) {
  if (response.to_head || response.status == 204 || response.status == 304) {
    return Coding::kNone;
  }
  const bool open_ended =
      response.framing == Framing::kChunked || response.framing == Framing::kUntilClose;
  if (!open_ended) {
    return Coding::kPlain;
  }
  if (slot_->decoder.head().version_minor > 0) {
    return Coding::kChunked;
  }
  keep_alive_ = false;
  return Coding::kPlain;
}

void H1Connection::write_head(const exchange::OutgoingResponse& response) {
  http::HeadWriter head(slot_->out.held());
  head.status_line(response.status, response.reason);
  response.write_fields(head);
  if (response.status == 101) {
    head.field("Connection", "upgrade");
    head.field("Upgrade", response.upgrade);
    head.end();
    return;
  }
  write_framing(head, response);
  if (!keep_alive_) {
    head.field("Connection", "close");
  } else if (slot_->decoder.head().version_minor == 0) {
    head.field("Connection", "keep-alive");
  }
  head.end();
}

Flow H1Connection::write_body(std::span<const char> piece) {
  note_write(slot_->out.body(*transport_, piece));
  return write_blocked_ ? Flow::kWait : Flow::kGo;
}

void H1Connection::end(const http::FieldBlock* trailers) {
  answer_ended_ = true;
  slot_->out.end(trailers);
  if (state_ == State::kTunnel) {
    flush();
    transport_->finish_writing();
  }
}

void H1Connection::flush() {
  note_write(slot_->out.flush(*transport_));
}

void H1Connection::note_write(bool all_sent) {
  if (!all_sent) {
    write_blocked_ = true;
    unsent_bytes_ = transport_->unsent_bytes();
    deadline_.arm(context_.options.client_send_timeout);
  }
}

// Whether it has taken anything since it was last looked at.
bool H1Connection::client_reads() {
  const auto before = std::exchange(unsent_bytes_, transport_->unsent_bytes());
  return unsent_bytes_ < before;
}

void H1Connection::read_more(bool credit) {
  body_credit_ = credit;
  if (!credit) {
    if (!write_blocked_) {
      deadline_.cancel();
    }
    transport_->pause_reading();
    return;
  }
  if (std::exchange(expects_continue_, false)) {
    http::HeadWriter head(slot_->out.held());
    head.status_line(100, {});
    head.end();
    flush();
  }
  if (state_ == State::kExchange) {
    deadline_.arm(context_.clients.body_timeout);
  }
  transport_->resume_reading();
}

void H1Connection::abort() {
  cut_ = true;
}

void H1Connection::write_framing(http::HeadWriter& head,
                                 const exchange::OutgoingResponse& response) {
  switch (slot_->out.coding()) {
    case Coding::kChunked:
      head.field("Transfer-Encoding", "chunked");
      return;
    case Coding::kPlain:
      if (response.framing == Framing::kLength || response.framing == Framing::kNone) {
        head.number_field("Content-Length",
                          response.framing == Framing::kLength ? response.content_length : 0);
      }
      return;
    case Coding::kNone:
      break;
  }
  // Of an answer to HEAD, and of a 304, the length is a description (RFC 9110 8.6).
  if (response.own) {
    head.number_field("Content-Length", response.content_length);
  } else if (const auto length = response.fields->find(http::FieldId::kContentLength);
             length && response.status != 204 && response.content_encoding.empty()) {
    head.field("Content-Length", *length);
  }
}

// ---- between requests, and the end

void H1Connection::finished() {
  if (cut_ || !answer_ended_) {
    close_now(cut_);
    return;
  }
  if (state_ == State::kTunnel || !keep_alive_) {
    linger();
    return;
  }
  if (!slot_->decoder.message_complete()) {
    state_ = State::kDiscarding;
    deadline_.arm(context_.options.linger_timeout);
    transport_->resume_reading();
    return;
  }
  next_request();
}

void H1Connection::next_request() {
  slot_->decoder.next_message();
  state_ = State::kIdle;
  if (!in_feed_) {
    rest();
    transport_->resume_reading();
  }
}

// Nothing is being served: only the socket and the deadline are kept.
void H1Connection::rest() {
  if (slot_ != nullptr) {
    slots_.give_back(std::move(slot_));
  }
  deadline_.arm(write_blocked_ ? context_.options.client_send_timeout
                               : context_.clients.idle_timeout);
  if (context_.draining) {
    close_when_sent();
  }
}

// Nothing is being served, but the last answer may still be on its way.
void H1Connection::close_when_sent() {
  if (write_blocked_ || transport_->has_unread()) {
    linger();
    return;
  }
  close_now(false);
}

void H1Connection::linger() {
  state_ = State::kLingering;
  if (write_blocked_) {
    deadline_.arm(context_.options.client_send_timeout);
    return;
  }
  // In a drain nobody waits for a client that has been answered and has not been cut short.
  const bool all_was_read =
      (slot_ == nullptr || slot_->decoder.message_complete()) && !transport_->has_unread();
  if (peer_ended_ || (context_.draining && all_was_read)) {
    close_now(false);
    return;
  }
  transport_->finish_writing();
  transport_->resume_reading();
  linger_end_ = context_.loop.now() + context_.options.linger_limit;
  wait_for_end();
}

// A client that goes on sending is given longer than one that is silent: it may read its answer
// only when it has sent everything.
void H1Connection::wait_for_end() {
  if (!write_blocked_) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(linger_end_ - context_.loop.now());
    deadline_.arm(std::clamp(left, {}, context_.options.linger_timeout));
  }
}

// Each arrival puts the deadline off, and so may not be what it waits for.
void H1Connection::linger_on() {
  if (!write_blocked_ && context_.loop.now() >= linger_end_) {
    close_now(false);
    return;
  }
  wait_for_end();
}

void H1Connection::close_now(bool reset) {
  if (state_ == State::kClosed) {
    return;
  }
  state_ = State::kClosed;
  deadline_.cancel();
  transport_->close(reset);
  owner_.on_closed(*this);
}

}  // namespace portico::downstream
