#include "proxy/upstream/h2_connection.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/net/buffer_pool.h"

namespace portico::upstream {
namespace {

http::H2Settings settings_of(const exchange::Options& options) {
  return {.max_field_section = static_cast<std::uint32_t>(options.head_limits.head_bytes)};
}

}  // namespace

H2Connection::H2Connection(net::Loop& loop, const exchange::Options& options,
                           H2ConnectionOwner& owner, exchange::EndpointId endpoint,
                           std::shared_ptr<const exchange::UpstreamTls> tls,
                           std::unique_ptr<net::Transport> transport)
    : options_(options),
      owner_(owner),
      buffers_(loop.buffers()),
      tls_(std::move(tls)),
      transport_(std::move(transport)),
      session_(http::H2Session::Role::kClient, settings_of(options), *this),
      idle_deadline_(loop, [this] { retire(); }),
      poster_(
          loop.core(), [](void* self) { static_cast<H2Connection*>(self)->settle(); }, this),
      endpoint_(endpoint) {}

void H2Connection::start() {
  transport_->start(*this);
  idle_deadline_.arm(options_.upstream_idle_timeout);
  send_later();
}

bool H2Connection::has_room() const {
  const auto most =
      std::min<std::size_t>(options_.upstream_streams, session_.peer_max_concurrent_streams());
  return takes_more_ && lent_ < most && session_.may_open();
}

exchange::ClientStream& H2Connection::lend(exchange::ResponseSink& sink) {
  assert(has_room());
  if (free_.empty()) {
    free_.push_back(streams_
                        .emplace_back(std::make_unique<H2Stream>(static_cast<H2StreamOwner&>(*this),
                                                                 options_.head_limits))
                        .get());
  }
  auto& stream = *free_.back();
  free_.pop_back();
  stream.lend(sink);
  unsent_.push_back(&stream);
  ++requests_;
  takes_more_ = takes_more_ && requests_ < options_.upstream_requests;
  if (++lent_ == 1) {
    idle_deadline_.cancel();
    owner_.on_idle_changed(*this, false);
  }
  return stream;
}

void H2Connection::retire() {
  takes_more_ = false;
  send_later();  // closes from the loop: the caller may be looking at it
}

// ---- bytes

std::size_t H2Connection::on_bytes(std::span<char> bytes) {
  settling_ = true;
  const bool goes_on = session_.receive(bytes);
  settling_ = false;
  if (!goes_on) {
    pump();  // says why
    lose(true);
    return bytes.size();
  }
  settle();
  return bytes.size();
}

void H2Connection::on_end() {
  lose(false);
}

void H2Connection::on_error(net::TransportError) {
  lose(false);
}

void H2Connection::on_drained() {
  blocked_ = false;
  settle();
}

void H2Connection::on_control_frame(const http::H2Frame& frame) {
  if (frame.type == http::H2FrameType::kGoaway) {
    takes_more_ = false;
  }
}

// Exchanges are told what waits, then what they and the session have to say leaves.
void H2Connection::settle() {
  if (closed_) {
    return;
  }
  settling_ = true;
  deliver_due();
  settling_ = false;
  pump();
  if (!lost_ && session_.is_over()) {
    lose(true);  // what came was no HTTP/2, and that has been said
    return;
  }
  if (!due_.empty()) {
    send_later();  // of what the session found out while it sent
  }
  recycle();
  close_if_done();
}

void H2Connection::deliver_due() {
  std::swap(working_, due_);
  for (auto* stream : working_) {
    stream->due = false;
    stream->deliver();
  }
  working_.clear();
  std::swap(working_, touched_);
  for (auto* stream : working_) {
    stream->touched = false;
    stream->tell_flush();
  }
  working_.clear();
}

void H2Connection::pump() {
  if (blocked_ || lost_ || settling_ || !session_.has_to_send()) {
    return;
  }
  for (auto* stream : std::exchange(unsent_, {})) {
    stream->mark_sent();
  }
  const auto buffer = buffers_.take_large();
  settling_ = true;
  while (!blocked_) {
    const auto size = session_.send({buffer.data(), buffer.size()});
    if (size == 0) {
      break;
    }
    const iovec piece{.iov_base = buffer.data(), .iov_len = size};
    blocked_ = !transport_->write({&piece, 1});
  }
  settling_ = false;
}

// ---- streams

void H2Connection::deliver_later(H2Stream& stream) {
  if (!std::exchange(stream.due, true)) {
    due_.push_back(&stream);
    send_later();
  }
}

void H2Connection::touch(H2Stream& stream) {
  if (!std::exchange(stream.touched, true)) {
    touched_.push_back(&stream);
    send_later();
  }
}

void H2Connection::on_let_go(H2Stream& stream) {
  if (!stream.is_free()) {
    return;
  }
  std::erase(unsent_, &stream);
  spent_.push_back(&stream);
  if (--lent_ == 0) {
    idle_deadline_.arm(options_.upstream_idle_timeout);
    owner_.on_idle_changed(*this, true);
  }
  owner_.on_room(*this);
  send_later();
}

void H2Connection::recycle() {
  const auto is_named = [](const H2Stream* stream) { return stream->due || stream->touched; };
  std::erase_if(spent_, [&](H2Stream* stream) {
    if (is_named(stream)) {
      return false;  // in one of the lists still
    }
    free_.push_back(stream);
    return true;
  });
}

// ---- the end

void H2Connection::close_if_done() {
  if (closed_ || lent_ > 0) {
    return;
  }
  if (takes_more_ && !session_.is_over()) {
    return;
  }
  if (!lost_) {
    session_.terminate(http::H2Error::kNone);
    pump();
  }
  close_now();
}

// The streams end with the connection, but for answers that came whole and wait for credit.
void H2Connection::lose(bool is_malformed) {
  takes_more_ = false;
  lost_ = true;
  transport_->close();
  settling_ = true;
  for (const auto& stream : streams_) {
    if (stream->is_open()) {
      stream->on_connection_lost(is_malformed);
    }
  }
  deliver_due();
  settling_ = false;
  recycle();
  close_if_done();
}

void H2Connection::close_now() {
  closed_ = true;
  idle_deadline_.cancel();
  transport_->close();
  owner_.on_closed(*this);
}

}  // namespace portico::upstream
