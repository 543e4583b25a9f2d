#include "proxy/upstream/h2_stream.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proxy/http/chars.h"
#include "proxy/http/rules.h"

namespace portico::upstream {

using exchange::Flow;
using http::FieldId;
using http::Framing;
using http::H2Error;

namespace {

constexpr std::uint32_t kMaxInterims = 32;  // 1xx answers to one request
// Of a request's body: what waits for the endpoint's window before the client has to.
constexpr std::size_t kMaxWaiting = std::size_t{64} * 1024;
constexpr std::size_t kTellAtOnce = std::size_t{16} * 1024;

constexpr routing::ProxyError kTakesNoWebSocket{
    .side = routing::ErrorSide::kDownstream,  // it has not even been asked
    .reason = "the endpoint speaks HTTP/2 and can't take a WebSocket"};
constexpr routing::ProxyError kReset{.retry = routing::RetryRule::kFailed,
                                     .reason = "the endpoint reset the stream"};
constexpr routing::ProxyError kBroken{.retry = routing::RetryRule::kBadAnswer,
                                      .reason = "the endpoint's answer breaks HTTP/2"};
constexpr routing::ProxyError kTooManyInterims{.reason =
                                                   "the endpoint sent too many interim answers"};
constexpr routing::ProxyError kTooLong{.retry = routing::RetryRule::kBadAnswer,
                                       .reason = "the endpoint's answer has too long a head"};

}  // namespace

void H2Stream::lend(exchange::ResponseSink& sink) {
  sink_ = &sink;
  id_ = 0;
  head_.clear();
  trailers_.clear();
  section_bytes_ = 0;
  sent_trailers_.clear();
  error_.reset();
  interims_ = 0;
  answer_ = Answer::kHead;
  closed_ = false;
  sent_ = has_body_ = ended_ = end_sent_ = waits_ = writable_ = has_trailers_ = end_told_ = false;
  credit_ = true;
}

// ---- the request out

void H2Stream::send_head(const exchange::OutgoingRequest& request, bool body_follows) {
  asked_by_head_ = request.method == http::Method::kHead;
  has_body_ = body_follows;
  // Other upgrades may be passed over (RFC 9110 7.8); this one means that nothing else is wanted.
  if (http::list_contains(request.upgrade, "websocket")) {
    closed_ = true;
    fail(kTakesNoWebSocket);
    return;
  }
  auto& fields = sent_fields_;
  fields.clear();
  fields.add(":method", request.method_text);
  fields.add(":scheme", owner_.is_tls() ? "https" : "http");
  if (!request.authority.empty()) {
    fields.add(":authority", request.authority);
  }
  fields.add(":path", request.target);
  request.for_each_field([&fields](std::string_view name, std::string_view value) {
    if (name != "Host") {  // it is :authority
      fields.add(name, value);
    }
  });
  if (request.accepts_trailers) {
    fields.add("te", "trailers");
  }
  if (request.framing == Framing::kLength) {
    fields.add_number("content-length", request.content_length);
  }
  id_ = owner_.session().submit_request(fields, body_follows, *this);
  if (id_ == 0) {
    closed_ = true;
    fail(routing::upstream_error::kNotProcessed);
    return;
  }
  owner_.send_later();
}

Flow H2Stream::write_body(std::span<const char> piece) {
  if (closed_) {
    return Flow::kGo;  // what became of it is about to be told
  }
  outgoing_.append(piece);
  owner_.session().resume(id_);
  owner_.send_later();
  waits_ = outgoing_.size() > kMaxWaiting;
  return waits_ ? Flow::kWait : Flow::kGo;
}

void H2Stream::end(const http::FieldBlock* trailers) {
  ended_ = true;
  if (!has_body_ || closed_) {
    return;
  }
  for (std::size_t i = 0; trailers != nullptr && i < trailers->size(); ++i) {
    sent_trailers_.add((*trailers)[i].name, (*trailers)[i].value);
  }
  owner_.session().resume(id_);
  owner_.send_later();
}

void H2Stream::flush() {
  if (!closed_) {
    owner_.send_later();
  }
}

std::size_t H2Stream::unsent_bytes() const {
  // While the endpoint gives no window, what other streams send says nothing of this one.
  return outgoing_.empty() ? owner_.unsent_bytes() : outgoing_.size();
}

http::H2Supply H2Stream::supply(std::size_t limit) {
  const auto bytes = std::min(limit, outgoing_.size());
  const bool all = bytes == outgoing_.size();
  return {.bytes = bytes,
          .end = ended_ && all,
          .trailers = sent_trailers_.empty() ? nullptr : &sent_trailers_};
}

void H2Stream::take(std::span<char> to) {
  std::ranges::copy(outgoing_.front(to.size()), to.data());
  outgoing_.take(to.size());
  if (waits_ && outgoing_.size() <= kMaxWaiting / 2) {
    waits_ = false;
    writable_ = true;
    owner_.deliver_later(*this);
  }
}

// ---- the answer in

void H2Stream::read_more(bool credit) {
  credit_ = credit;
  if (credit && !incoming_.empty()) {
    owner_.deliver_later(*this);
  }
}

bool H2Stream::on_field(std::string_view name, std::string_view value) {
  section_bytes_ += name.size() + value.size() + 32;  // as SETTINGS_MAX_HEADER_LIST_SIZE counts
  auto& section = answer_ == Answer::kHead ? head_.fields : trailers_;
  if (section_bytes_ > limits_.head_bytes || section.size() >= limits_.fields) {
    fail(kTooLong);
    return false;
  }
  if (answer_ != Answer::kHead) {
    trailers_.add(http::field_id(name), name, value);
    return true;
  }
  if (name == ":status") {  // three digits: the session has seen to that
    std::from_chars(value.data(), value.data() + value.size(), head_.status);
    return true;
  }
  head_.fields.add(http::field_id(name), name, value);
  return true;
}

void H2Stream::on_fields_end(bool end_stream) {
  section_bytes_ = 0;
  if (sink_ == nullptr || error_.has_value()) {
    return;
  }
  owner_.touch(*this);
  if (answer_ == Answer::kHead) {
    take_head(end_stream);
    return;
  }
  take_trailers();
}

void H2Stream::take_head(bool end_stream) {
  head_.version_minor = 1;
  if (head_.status < 100) {  // three digits of which the session makes a final answer
    fail(kBroken);
    return;
  }
  if (head_.status < 200) {
    if (++interims_ > kMaxInterims) {
      fail(kTooManyInterims);
      return;
    }
    sink_->on_response_head(head_);
    head_.clear();
    return;
  }
  const auto length = head_.fields.find(FieldId::kContentLength);
  const auto bytes = length ? http::parse_content_length(*length) : std::nullopt;
  head_.content_length = bytes.value_or(0);
  if (asked_by_head_ || head_.status == 204 || head_.status == 304) {
    head_.framing = Framing::kNone;
  } else {
    // A head alone has no body, and says so to whoever comes next.
    head_.framing = bytes || end_stream ? Framing::kLength : Framing::kChunked;
  }
  answer_ = end_stream ? Answer::kWhole : Answer::kBody;
  sink_->on_response_head(head_);
  if (end_stream) {
    deliver_bytes();
  }
}

void H2Stream::take_trailers() {
  answer_ = Answer::kWhole;
  http::FieldBlock received;
  std::swap(received, trailers_);
  for (std::size_t i = 0; i < received.size(); ++i) {
    const auto field = received[i];
    if (!http::is_forbidden_trailer(field)) {
      trailers_.add(field.id, field.name, field.value);
    }
  }
  has_trailers_ = trailers_.size() > 0;
  deliver_bytes();
}

void H2Stream::on_data(std::span<const char> piece) {
  owner_.session().consume_connection(piece.size());
  if (sink_ == nullptr || error_.has_value()) {
    return;
  }
  owner_.touch(*this);
  if (!credit_ || !incoming_.empty()) {
    incoming_.append(piece);
    return;
  }
  owner_.session().consume_stream(id_, piece.size());
  sink_->on_response_body(piece);
}

void H2Stream::on_data_end() {
  answer_ = Answer::kWhole;
  if (sink_ != nullptr && !error_.has_value()) {
    owner_.touch(*this);
    deliver_bytes();
  }
}

void H2Stream::deliver_bytes() {
  while (sink_ != nullptr && credit_ && !incoming_.empty()) {
    const auto piece = incoming_.front(kTellAtOnce);
    incoming_.take(piece.size());
    if (!closed_) {
      owner_.session().consume_stream(id_, piece.size());
    }
    owner_.touch(*this);
    sink_->on_response_body(piece);
  }
  if (sink_ == nullptr || !incoming_.empty()) {
    return;
  }
  if (answer_ == Answer::kWhole && !std::exchange(end_told_, true)) {
    owner_.touch(*this);
    sink_->on_response_end(has_trailers_ ? &trailers_ : nullptr);
  }
}

void H2Stream::deliver() {
  if (sink_ == nullptr) {
    return;
  }
  if (error_.has_value()) {
    sink_->on_upstream_error(*error_);
    return;
  }
  deliver_bytes();
  if (sink_ != nullptr && std::exchange(writable_, false)) {
    sink_->on_upstream_writable();
  }
}

void H2Stream::tell_flush() {
  if (sink_ != nullptr) {
    sink_->on_response_flush();
  }
}

void H2Stream::fail(const routing::ProxyError& error) {
  if (sink_ != nullptr && !error_.has_value() && !end_told_) {
    error_ = error;
    owner_.deliver_later(*this);
  }
}

// ---- ends

void H2Stream::on_stream_closed(H2Error error) {
  closed_ = true;
  outgoing_.clear();
  if (answer_ != Answer::kWhole) {
    const bool is_unprocessed = error == H2Error::kRefusedStream && answer_ == Answer::kHead;
    if (is_unprocessed) {
      fail(routing::upstream_error::kNotProcessed);
    } else if (answer_ == Answer::kBody) {
      fail(routing::upstream_error::kClosedInAnswer);
    } else {
      fail(error == H2Error::kProtocol ? kBroken : kReset);
    }
  }
  owner_.on_let_go(*this);
}

void H2Stream::on_connection_lost(bool is_malformed) {
  closed_ = true;
  outgoing_.clear();
  if (answer_ == Answer::kBody) {
    fail(routing::upstream_error::kClosedInAnswer);
  } else if (answer_ == Answer::kHead) {
    fail(is_malformed ? kBroken : routing::upstream_error::kClosedBeforeAnswer);
  }  // else what came whole is told when there is credit
  owner_.on_let_go(*this);
}

// What waits to be sent stays until the session lets go: it may be in the middle of a frame whose
// length it has said.
void H2Stream::release() {
  sink_ = nullptr;
  incoming_.clear();
  // Of a request that was not sent whole the endpoint must not take what came for all of it.
  if (!closed_ && !(answer_ == Answer::kWhole && (end_sent_ || !has_body_))) {
    owner_.session().reset(id_, H2Error::kCancel);
    owner_.send_later();
  }
  owner_.on_let_go(*this);
}

}  // namespace portico::upstream
