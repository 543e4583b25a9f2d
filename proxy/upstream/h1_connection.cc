#include "proxy/upstream/h1_connection.h"

#include <utility>

#include "proxy/http/h1_encoder.h"

namespace portico::upstream {

using exchange::Coding;
using exchange::Flow;
using http::Framing;

namespace {

constexpr std::uint32_t kMaxInterims = 32;  // 1xx answers to one request

}  // namespace

H1Connection::H1Connection(net::Loop& loop, const exchange::Options& options,
                           ConnectionOwner& owner, exchange::EndpointId endpoint,
                           std::shared_ptr<const exchange::UpstreamTls> tls,
                           std::unique_ptr<net::Transport> transport)
    : options_(options),
      owner_(owner),
      tls_(std::move(tls)),
      transport_(std::move(transport)),
      idle_deadline_(loop, [this] { close_now(false); }),
      endpoint_(endpoint) {}

void H1Connection::start() {
  transport_->start(*this);
}

void H1Connection::lend(exchange::ResponseSink& sink, std::unique_ptr<Lease> lease) {
  sink_ = &sink;
  lease_ = std::move(lease);
  state_ = State::kHead;
  credit_ = true;
  request_ended_ = false;
  interims_ = 0;
  sent_before_ = transport_->sent_bytes();
  ++requests_;
  idle_deadline_.cancel();
}

void H1Connection::close() {
  close_now(false);
}

// ---- the request out

void H1Connection::send_head(const exchange::OutgoingRequest& request, bool body_follows) {
  lease_->decoder.expect_answer_to(request.method);
  http::HeadWriter head(lease_->out.held());
  head.request_line(request.method_text, request.target);
  request.write_fields(head);
  switch (request.framing) {
    case Framing::kLength:
      head.number_field("Content-Length", request.content_length);
      lease_->out.set_coding(Coding::kPlain);
      break;
    case Framing::kChunked:
      head.field("Transfer-Encoding", "chunked");
      lease_->out.set_coding(Coding::kChunked);
      break;
    case Framing::kNone:
    case Framing::kUntilClose:
      lease_->out.set_coding(Coding::kNone);
      break;
  }
  if (!request.upgrade.empty()) {
    head.field("Connection", "upgrade");
    head.field("Upgrade", request.upgrade);
  }
  head.end();
  if (!body_follows) {
    flush();
  }
}

Flow H1Connection::write_body(std::span<const char> piece) {
  write_blocked_ |= !lease_->out.body(*transport_, piece);
  return write_blocked_ ? Flow::kWait : Flow::kGo;
}

void H1Connection::end(const http::FieldBlock* trailers) {
  request_ended_ = true;
  lease_->out.end(trailers);
  flush();
  if (state_ == State::kTunnel) {
    transport_->finish_writing();
  }
}

void H1Connection::flush() {
  if (lease_ != nullptr) {
    write_blocked_ |= !lease_->out.flush(*transport_);
  }
}

void H1Connection::read_more(bool credit) {
  credit_ = credit;
  if (credit) {
    transport_->resume_reading();
  } else {
    transport_->pause_reading();
  }
}

// ---- the answer in

std::size_t H1Connection::on_bytes(std::span<char> bytes) {
  if (state_ == State::kIdle) {
    close_now(false);
    return bytes.size();
  }
  if (state_ == State::kFlushing) {
    return bytes.size();  // nobody is there to take them
  }
  if (state_ == State::kHead && sink_ != nullptr && !has_sent()) {
    fail(routing::upstream_error::kClosedBeforeAnswer);  // an answer to nobody
    return bytes.size();
  }
  in_feed_ = true;
  const auto taken = feed(bytes);
  in_feed_ = false;
  if (state_ == State::kClosed) {
    return bytes.size();
  }
  if (sink_ == nullptr) {
    surplus_ = taken + skip_body(bytes.subspan(taken)) < bytes.size();
    settle();
    return bytes.size();
  }
  sink_->on_response_flush();
  return taken;
}

std::size_t H1Connection::feed(std::span<char> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && sink_ != nullptr) {
    const auto rest = bytes.subspan(taken);
    std::size_t step = 0;
    if (state_ == State::kHead) {
      step = take_head(rest);
    } else if (state_ == State::kBody && credit_) {
      step = take_body(rest);
    } else if (state_ == State::kTunnel && credit_) {
      sink_->on_response_body(rest);
      step = rest.size();
    }
    if (step == 0) {
      break;
    }
    taken += step;
  }
  return taken;
}

std::size_t H1Connection::take_head(std::span<char> bytes) {
  auto& decoder = lease_->decoder;
  const auto fed = decoder.feed_head(bytes);
  if (!fed) {
    fail({.retry = routing::RetryRule::kBadAnswer, .reason = fed.error().reason});
    return bytes.size();
  }
  if (*fed == 0) {
    return 0;
  }
  auto& head = decoder.head();
  if (head.status == 101) {
    state_ = State::kTunnel;
    reusable_ = false;
    lease_->out.set_coding(Coding::kPlain);
    sink_->on_response_head(head);
    return *fed;
  }
  if (head.status < 200) {
    if (++interims_ > kMaxInterims) {
      fail({.reason = "the endpoint sent too many interim answers"});
      return bytes.size();
    }
    sink_->on_response_head(head);
    if (sink_ != nullptr) {
      decoder.next_message();
    }
    return *fed;
  }
  reusable_ = head.keep_alive && !serves_once_ && head.framing != Framing::kUntilClose &&
              requests_ < options_.upstream_requests;
  state_ = decoder.message_complete() ? State::kComplete : State::kBody;
  sink_->on_response_head(head);
  if (sink_ != nullptr && state_ == State::kComplete) {
    sink_->on_response_end(nullptr);
  }
  return *fed;
}

// Of an answer that nobody wants: where all of it has come, the connection is good for another
// request.
std::size_t H1Connection::skip_body(std::span<char> bytes) {
  std::size_t taken = 0;
  while (state_ == State::kBody && request_ended_ && reusable_ && taken < bytes.size()) {
    const auto fed = lease_->decoder.feed_body(bytes.subspan(taken), *this);
    if (!fed || *fed == 0) {
      break;
    }
    taken += *fed;
  }
  return taken;
}

std::size_t H1Connection::take_body(std::span<char> bytes) {
  const auto fed = lease_->decoder.feed_body(bytes, *this);
  if (!fed) {
    fail({.reason = fed.error().reason});
    return bytes.size();
  }
  return *fed;
}

void H1Connection::on_body(std::span<char> piece) {
  if (sink_ != nullptr) {
    sink_->on_response_body(piece);
  }
}

void H1Connection::on_message_end(const http::FieldBlock* trailers) {
  state_ = State::kComplete;
  if (sink_ != nullptr) {
    sink_->on_response_end(trailers);
  }
}

void H1Connection::on_end() {
  reusable_ = false;
  if (state_ == State::kFlushing) {
    return;
  }
  if (sink_ == nullptr) {
    close_now(false);
    return;
  }
  if (state_ == State::kTunnel) {
    sink_->on_response_end(nullptr);
    return;
  }
  if (state_ == State::kBody) {
    in_feed_ = true;
    const auto ended = lease_->decoder.feed_end(*this);
    in_feed_ = false;
    if (!ended) {
      fail(routing::upstream_error::kClosedInAnswer);
    }
    if (sink_ == nullptr && state_ != State::kClosed) {
      settle();
    }
    return;
  }
  fail(routing::upstream_error::kClosedBeforeAnswer);
}

void H1Connection::on_drained() {
  write_blocked_ = false;
  if (state_ == State::kFlushing) {
    close_now(false);
    return;
  }
  if (sink_ != nullptr) {
    sink_->on_upstream_writable();
  }
}

void H1Connection::on_error(net::TransportError) {
  reusable_ = false;
  if (sink_ == nullptr) {
    close_now(false);
    return;
  }
  fail(state_ == State::kHead ? routing::upstream_error::kResetBeforeAnswer
                              : routing::upstream_error::kClosedInAnswer);
}

void H1Connection::fail(const routing::ProxyError& error) {
  reusable_ = false;
  if (sink_ != nullptr) {
    sink_->on_upstream_error(error);
  }
}

// ---- back to the pool, or gone

void H1Connection::release() {
  sink_ = nullptr;
  if (!in_feed_) {
    settle();
  }
}

void H1Connection::settle() {
  if (state_ == State::kTunnel && request_ended_ && write_blocked_) {
    state_ = State::kFlushing;
    idle_deadline_.arm(options_.upstream_idle_timeout);
    return;
  }
  const bool clean =
      state_ == State::kComplete && request_ended_ && reusable_ && !surplus_ && !write_blocked_;
  if (!clean) {
    // What is left of the request must not reach the backend as if it were whole.
    close_now(state_ != State::kComplete && state_ != State::kTunnel);
    return;
  }
  state_ = State::kIdle;
  lease_->decoder.next_message();
  lease_->out.clear();
  transport_->resume_reading();
  idle_deadline_.arm(options_.upstream_idle_timeout);
  owner_.on_idle(*this, std::move(lease_));
}

void H1Connection::close_now(bool reset) {
  if (state_ == State::kClosed) {
    return;
  }
  state_ = State::kClosed;
  idle_deadline_.cancel();
  transport_->close(reset);
  owner_.on_closed(*this);
}

}  // namespace portico::upstream
