#include "controller/kube/api/api_connection.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "proxy/net/loop.h"

namespace portico::kube {

ApiConnection::ApiConnection(net::Loop& loop, std::unique_ptr<net::Transport> transport)
    : transport_(std::move(transport)), idle_(loop, [this] { lose(); }) {
  transport_->start(*this);
}

ApiConnection::~ApiConnection() {
  if (destroyed_ != nullptr) {
    *destroyed_ = true;
  }
}

void ApiConnection::ask(std::string_view head, std::string_view body, AnswerSink& sink) {
  idle_.cancel();
  lost_ = nullptr;
  sink_ = &sink;
  reader_.start();
  const std::array pieces = {
      iovec{.iov_base = const_cast<char*>(head.data()), .iov_len = head.size()},
      iovec{.iov_base = const_cast<char*>(body.data()), .iov_len = body.size()}};
  // What the socket does not take is kept by the transport; it is bounded by the request's size.
  transport_->write({pieces.data(), body.empty() ? std::size_t{1} : pieces.size()});
}

void ApiConnection::keep(std::chrono::milliseconds limit, std::move_only_function<void()> lost) {
  lost_ = std::move(lost);
  idle_.arm(limit);
}

std::size_t ApiConnection::on_bytes(std::span<char> bytes) {
  if (sink_ == nullptr) {  // a 408 before it closes, most likely
    lose();
    return bytes.size();
  }
  bool destroyed = false;
  destroyed_ = &destroyed;
  const std::string_view text(bytes.data(), bytes.size());
  std::size_t taken = 0;
  while (true) {
    const AnswerReader::Step step = reader_.next(text.substr(taken));
    taken += step.taken;
    if (step.event == AnswerReader::Event::kMore) {
      destroyed_ = nullptr;
      return taken;
    }
    if (step.event == AnswerReader::Event::kEnd) {
      keeps_alive_ = reader_.keeps_alive() && taken == text.size();
    }
    const bool goes_on = act(step.event);
    if (destroyed) {
      return text.size();
    }
    if (!goes_on) {
      destroyed_ = nullptr;
      return taken;
    }
  }
}

bool ApiConnection::act(AnswerReader::Event event) {
  switch (event) {
    case AnswerReader::Event::kHead:
      sink_->on_head(reader_.head());
      return true;
    case AnswerReader::Event::kPiece:
      sink_->on_piece(reader_.piece());
      return true;
    case AnswerReader::Event::kEnd:
      std::exchange(sink_, nullptr)->on_whole();
      return false;
    case AnswerReader::Event::kMore:
    case AnswerReader::Event::kBroken:
      break;
  }
  break_off(ApiFailure::Kind::kProtocol, "the answer can't be read: " + reader_.problem());
  return false;
}

void ApiConnection::on_end() {
  if (sink_ == nullptr) {
    lose();
    return;
  }
  if (reader_.end() == AnswerReader::Event::kEnd) {
    keeps_alive_ = false;
    std::exchange(sink_, nullptr)->on_whole();
    return;
  }
  break_off(ApiFailure::Kind::kCut, reader_.has_begun()
                                        ? "the connection ended in the middle of the answer"
                                        : "the connection ended without an answer");
}

void ApiConnection::on_error(net::TransportError error) {
  broken_ = true;
  if (sink_ == nullptr) {
    lose();
    return;
  }
  const net::TlsInfo* tls = transport_->info().tls;
  break_off(failure_kind(error), failure_text(error, tls == nullptr ? "" : tls->failure));
}

void ApiConnection::break_off(ApiFailure::Kind kind, std::string why) {
  broken_ = true;
  std::exchange(sink_, nullptr)->on_broken(kind, std::move(why), !reader_.has_begun());
}

void ApiConnection::lose() {
  broken_ = true;
  if (lost_) {
    auto lost = std::move(lost_);  // it destroys this
    lost();
  }
}

ApiFailure::Kind failure_kind(net::TransportError error) {
  using enum net::TransportError;
  switch (error) {
    case kTlsFailed:
      return ApiFailure::Kind::kTls;
    case kTimedOut:
      return ApiFailure::Kind::kTimedOut;
    case kConnectRefused:
    case kConnectFailed:
      return ApiFailure::Kind::kConnect;
    case kNone:
    case kReset:
    case kOther:
      break;
  }
  return ApiFailure::Kind::kCut;
}

std::string failure_text(net::TransportError error, std::string_view tls_failure) {
  using enum net::TransportError;
  switch (error) {
    case kTlsFailed:
      return fmt::format("TLS failed: {}", tls_failure.empty() ? "no reason given" : tls_failure);
    case kTimedOut:
      return "nobody answers any more (timed out)";
    case kConnectRefused:
      return "connection refused";
    case kConnectFailed:
      return "can't be reached";
    case kNone:
    case kReset:
    case kOther:
      break;
  }
  return "the connection was broken";
}

}  // namespace portico::kube
