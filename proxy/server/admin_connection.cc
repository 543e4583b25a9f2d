#include "proxy/server/admin_connection.h"

#include <chrono>

#include "proxy/http/date.h"
#include "proxy/http/h1_encoder.h"

namespace portico::server {
namespace {

constexpr std::chrono::seconds kPatience{30};  // for a request, and between two

}  // namespace

AdminConnection::AdminConnection(net::Loop& loop, AdminOwner& owner,
                                 std::unique_ptr<net::Transport> transport, std::uint64_t id)
    : owner_(owner),
      transport_(std::move(transport)),
      decoder_(http::Limits{.head_bytes = 16 * 1024}),
      deadline_(loop, [this] { close(); }),
      id_(id) {}

void AdminConnection::start() {
  deadline_.arm(kPatience);
  transport_->start(*this);
}

std::size_t AdminConnection::on_bytes(std::span<char> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const auto step = take(bytes.subspan(taken));
    if (step == 0) {
      break;
    }
    taken += step;
  }
  return taken;
}

std::size_t AdminConnection::take(std::span<char> bytes) {
  switch (state_) {
    case State::kHead:
      return take_head(bytes);
    case State::kBody: {
      const auto fed = decoder_.feed_body(bytes, *this);
      if (!fed) {
        close();
        return bytes.size();
      }
      if (decoder_.message_complete()) {
        dispatch();
      }
      return *fed;
    }
    case State::kAnswering:
      transport_->pause_reading();
      return 0;
    case State::kClosing:
    case State::kClosed:
      return bytes.size();
  }
  std::unreachable();
}

std::size_t AdminConnection::take_head(std::span<char> bytes) {
  const auto fed = decoder_.feed_head(bytes);
  if (!fed) {
    state_ = State::kAnswering;
    decoder_.head().clear();
    decoder_.head().keep_alive = false;
    answer({.status = fed.error().status, .body = std::string(fed.error().reason) + "\n"});
    return bytes.size();
  }
  if (*fed != 0) {
    state_ = State::kBody;
    if (decoder_.message_complete()) {
      dispatch();
    }
  }
  return *fed;
}

void AdminConnection::dispatch() {
  state_ = State::kAnswering;
  deadline_.arm(kPatience);
  const auto& head = decoder_.head();
  const auto mark = head.target.find('?');
  const bool has_query = mark != std::string::npos;
  owner_.on_request(*this, {.method = head.method_text,
                            .path = head.target.substr(0, mark),
                            .query = has_query ? head.target.substr(mark + 1) : std::string()});
}

void AdminConnection::answer(const AdminResponse& response) {
  if (state_ != State::kAnswering) {
    return;
  }
  const auto& request = decoder_.head();
  http::DateCache date;
  out_.clear();
  http::HeadWriter head(out_);
  head.status_line(response.status, {});
  head.field("Server", "portico");
  head.field("Date", date.now());
  head.field("Content-Type", response.content_type);
  head.field("Cache-Control", "no-store");
  head.number_field("Content-Length", response.body.size());
  if (!request.keep_alive) {
    head.field("Connection", "close");
  }
  head.end();
  if (request.method != http::Method::kHead) {
    out_.append(response.body);
  }
  const iovec piece{out_.data(), out_.size()};
  transport_->write({&piece, 1});
  deadline_.arm(kPatience);
  if (!request.keep_alive) {
    state_ = State::kClosing;
    transport_->finish_writing();
  } else {
    state_ = State::kHead;
    decoder_.next_message();
  }
  transport_->resume_reading();
}

void AdminConnection::on_end() {
  // A client may close its side behind its request; what is not whole is not answered.
  if (state_ == State::kAnswering) {
    decoder_.head().keep_alive = false;
    return;
  }
  close();
}

void AdminConnection::close() {
  if (state_ == State::kClosed) {
    return;
  }
  state_ = State::kClosed;
  deadline_.cancel();
  transport_->close();
  owner_.on_closed(*this);
}

}  // namespace portico::server
