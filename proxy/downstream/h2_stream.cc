#include "proxy/downstream/h2_stream.h"

#include <algorithm>
#include <utility>

#include "proxy/downstream/misdirected.h"
#include "proxy/http/chars.h"

namespace portico::downstream {

using exchange::Flow;
using http::FieldId;
using http::Framing;

namespace {

// What a stream may hold before its exchange is asked to wait; smaller pieces leave together.
constexpr std::size_t kHoldBytes = std::size_t{16} * 1024;
constexpr std::size_t kDirectBytes = std::size_t{4} * 1024;  // is sent from where it lies
constexpr std::size_t kUsefulBytes = 1024;  // less, with more behind it, is a window kept small

routing::ProxyError client_error(std::uint16_t status, std::string_view reason) {
  return {.status = status, .side = routing::ErrorSide::kDownstream, .reason = reason};
}

// Keeps the memory of a usual piece, and no more.
void empty(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kHoldBytes) {
    buffer.shrink_to_fit();
  }
}

}  // namespace

H2Stream::H2Stream(exchange::Context& context)
    : context_(context),
      reader_(context.options.head_limits),
      trailer_reader_(context.options.head_limits),
      exchange_(context),
      deadline_(context.loop, [this] { on_deadline(); }) {}

void H2Stream::begin(H2StreamOwner& owner, std::int32_t id) {
  owner_ = &owner;
  id_ = id;
  session_open_ = true;
  reader_.begin(head_);
}

void H2Stream::clear() {
  deadline_.cancel();
  head_.clear();
  reader_.clear();
  fields_.clear();
  trailers_.clear();
  empty(in_);
  empty(out_);
  out_begin_ = 0;
  received_ = taken_ = taken_before_ = 0;
  request_ = Request::kHead;
  answer_ = Answer::kNone;
  given_up_ = peer_ended_ = end_sent_ = credit_ = client_waits_ = flush_due_ = false;
  has_trailers_ = bodiless_ = own_answer_ = tunnel_ = expects_continue_ = false;
}

// ---- the request in

bool H2Stream::on_field(std::string_view name, std::string_view value) {
  const bool is_head = request_ == Request::kHead;
  if (!is_head && !std::exchange(has_trailers_, true)) {
    trailer_reader_.begin();
  }
  const bool within = is_head ? reader_.field(name, value) : trailer_reader_.field(name, value);
  if (!within) {
    owner_->on_endless_head();
  }
  return within;
}

void H2Stream::on_fields_end(bool end_stream) {
  if (request_ == Request::kHead) {
    peer_ended_ = end_stream;
    start(end_stream);
    return;
  }
  on_data_end();
}

void H2Stream::start(bool end_stream) {
  owner_->on_head_end();
  const auto judged = reader_.end(end_stream);
  exchange_open_ = true;
  if (!judged) {
    const auto method = head_.method;
    head_.clear();
    head_.version_major = 2;
    head_.method = method;
    refuse(judged.error());
    return;
  }
  const auto* const tls = owner_->info().tls;
  if (tls != nullptr && context_.config != nullptr &&
      is_misdirected(context_.config->config(), *tls, head_.authority)) {
    head_.framing = Framing::kNone;
    refuse({.status = 421, .reason = "the connection is another host's"});
    return;
  }
  tunnel_ = !head_.upgrade.empty();
  if (tunnel_) {
    add_websocket_key();
  }
  const bool has_body = head_.framing == Framing::kChunked || head_.content_length > 0;
  request_ = tunnel_ && end_stream ? Request::kEnding
             : tunnel_ || has_body ? Request::kBody
                                   : Request::kEnded;
  expects_continue_ = head_.expect_continue;
  start_due_ = true;
  owner_->settle_later(*this);
}

// Not before all that has come is read: a request that is taken back at once costs nothing more
// (CVE-2023-44487).
void H2Stream::start_exchange() {
  if (std::exchange(start_due_, false)) {
    flush_due_ = true;  // the head must not wait for a body that may wait for the answer
    exchange_.start(*this, head_, owner_->info());
  }
}

void H2Stream::refuse(const http::ParseError& error) {
  request_ = Request::kEnded;
  if (error.status == 431) {
    owner_->on_large_head();
  }
  exchange_.refuse(*this, head_, owner_->info(), error);
}

// HTTP/2 has none (RFC 8441 5.1), HTTP/1 must have one (RFC 6455 4.1).
void H2Stream::add_websocket_key() {
  char id[32];
  std::string key(context_.request_ids.next(id).substr(0, 21));
  key.append("A==");  // hex digits are base64 too: of 16 bytes, whatever they mean
  head_.fields.add(FieldId::kOther, "Sec-WebSocket-Key", key);
}

// The last bytes that Content-Length announces wait for the end of the stream: only then is it sure
// that no others follow, and the request the one it said it was.
bool H2Stream::may_deliver() const {
  const bool is_last = head_.framing == Framing::kLength && received_ >= head_.content_length;
  return credit_ && (!is_last || request_ != Request::kBody);
}

void H2Stream::on_data(std::span<const char> piece) {
  received_ += piece.size();
  if (exchange_open_ && (!in_.empty() || !may_deliver())) {
    in_.append(piece.data(), piece.size());
    return;
  }
  owner_->session().consume(id_, piece.size());
  if (!exchange_open_) {
    return;
  }
  if (!tunnel_) {
    deadline_.arm(context_.clients.body_timeout);
  }
  flush_due_ = true;
  owner_->settle_later(*this);
  exchange_.on_request_body(piece);
}

void H2Stream::on_data_end() {
  peer_ended_ = true;
  if (request_ == Request::kBody) {
    request_ = Request::kEnding;
    deliver();
  }
}

void H2Stream::offer_end() {
  if (request_ != Request::kEnding || !credit_ || !in_.empty() || !exchange_open_) {
    return;
  }
  request_ = Request::kEnded;
  if (waiting() == 0) {
    deadline_.cancel();
  }
  flush_due_ = true;
  owner_->settle_later(*this);
  const bool any = has_trailers_ && trailer_reader_.fields().size() > 0 && !tunnel_;
  exchange_.on_request_end(any ? &trailer_reader_.fields() : nullptr);
}

void H2Stream::deliver() {
  if (!in_.empty() && exchange_open_ && may_deliver()) {
    const std::string piece = std::exchange(in_, {});
    owner_->session().consume(id_, piece.size());
    owner_->send_later();
    flush_due_ = true;
    owner_->settle_later(*this);
    exchange_.on_request_body(piece);
  }
  offer_end();
}

void H2Stream::read_more(bool credit) {
  credit_ = credit;
  if (!credit) {
    if (waiting() == 0) {
      deadline_.cancel();
    }
    return;
  }
  if (!session_open_) {
    return;
  }
  if (std::exchange(expects_continue_, false)) {
    fields_.clear();
    fields_.add(":status", "100");
    owner_->session().submit_interim(id_, fields_);
    owner_->send_later();
  }
  if (request_ == Request::kBody && !tunnel_) {
    deadline_.arm(context_.clients.body_timeout);
  }
  if (!in_.empty() || request_ == Request::kEnding) {
    owner_->settle_later(*this);
  }
}

// ---- the answer out

void H2Stream::send_interim(const exchange::OutgoingResponse& response) {
  if (!session_open_) {
    return;
  }
  list_fields(response, response.status);
  owner_->session().submit_interim(id_, fields_);
  owner_->send_later();
}

void H2Stream::send_head(const exchange::OutgoingResponse& response) {
  answer_ = Answer::kBegun;
  own_answer_ = response.own;
  if (!session_open_) {
    return;
  }
  // A success would tell the client that it has its tunnel.
  const bool untrue_success = tunnel_ && response.status / 100 == 2;
  const std::uint16_t status = response.status == 101 ? 200
                               : untrue_success       ? 502
                                                      : response.status;
  list_fields(response, status);
  bodiless_ = response.to_head || status == 204 || status == 304 || untrue_success ||
              (response.status != 101 && response.framing == Framing::kLength &&
               response.content_length == 0);
  if (response.status != 101 && response.framing == Framing::kLength && !response.to_head &&
      !untrue_success && status != 204 && status != 304) {
    fields_.add_number("content-length", response.content_length);
  } else if (response.own) {
    fields_.add_number("content-length", response.content_length);
  } else if ((response.to_head || status == 304) && status != 204 &&
             response.content_encoding.empty()) {
    // Of an answer to HEAD, and of a 304, the length is a description (RFC 9110 8.6).
    if (const auto length = response.fields->find(FieldId::kContentLength); length) {
      fields_.add("content-length", *length);
    }
  }
  owner_->session().submit_head(id_, fields_, !bodiless_);
  owner_->on_answer(head_.method == http::Method::kConnect);
}

void H2Stream::list_fields(const exchange::OutgoingResponse& response, std::uint16_t status) {
  fields_.clear();
  fields_.add_number(":status", status);
  response.for_each_field([this](std::string_view name, std::string_view value) {
    if (!tunnel_ || http::field_id(name) != FieldId::kOther ||
        !http::equals_no_case(name, "sec-websocket-accept")) {
      fields_.add(name, value);
    }
  });
}

Flow H2Stream::write_body(std::span<const char> piece) {
  if (!session_open_ || bodiless_) {
    return Flow::kGo;
  }
  bool stalled = false;
  if (waiting() == 0 && piece.size() >= kDirectBytes) {
    direct_ = piece;
    owner_->session().resume(id_);
    owner_->send_now();
    piece = std::exchange(direct_, {});
    if (!session_open_) {
      return Flow::kGo;
    }
    stalled = !piece.empty();
    given_up_ = given_up_ || (stalled && owner_->is_too_much());
  }
  if (given_up_) {
    owner_->settle_later(*this);
    return Flow::kWait;
  }
  if (!piece.empty()) {
    hold(piece);
  }
  client_waits_ = client_waits_ || stalled || waiting() > kHoldBytes;
  return client_waits_ ? Flow::kWait : Flow::kGo;
}

void H2Stream::hold(std::span<const char> piece) {
  if (waiting() == 0) {
    taken_before_ = taken_;
    deadline_.arm(context_.options.client_send_timeout);
  }
  out_.append(piece.data(), piece.size());
  owner_->on_held(static_cast<std::ptrdiff_t>(piece.size()));
  owner_->session().resume(id_);
  owner_->send_later();
}

void H2Stream::end(const http::FieldBlock* trailers) {
  answer_ = Answer::kEnded;
  if (!session_open_ || bodiless_) {
    return;
  }
  for (std::size_t i = 0; trailers != nullptr && i < trailers->size(); ++i) {
    trailers_.add((*trailers)[i].name, (*trailers)[i].value);
  }
  if (waiting() == 0) {
    deadline_.arm(context_.options.client_send_timeout);
  }
  owner_->session().resume(id_);
}

void H2Stream::flush() {
  owner_->send_later();
}

http::H2Supply H2Stream::supply(std::size_t limit) {
  const auto bytes = std::min(waiting(), limit);
  const bool end = answer_ == Answer::kEnded && bytes == waiting();
  return {.bytes = bytes, .end = end, .trailers = end ? &trailers_ : nullptr};
}

void H2Stream::take(std::span<char> to) {
  taken_ += to.size();
  if (waiting() == to.size() || to.size() >= kUsefulBytes) {
    owner_->on_piece_sent();
  }
  if (!direct_.empty()) {
    std::ranges::copy(direct_.first(to.size()), to.begin());
    direct_ = direct_.subspan(to.size());
    return;
  }
  out_.copy(to.data(), to.size(), out_begin_);
  out_begin_ += to.size();
  owner_->on_held(-static_cast<std::ptrdiff_t>(to.size()));
  if (out_begin_ == out_.size()) {
    empty(out_);
    out_begin_ = 0;
    await_body();
  }
  if (client_waits_ && waiting() == 0) {
    owner_->settle_later(*this);
  }
}

// The client's turn, where a part of its request is still to come and has credit.
void H2Stream::await_body() {
  if (exchange_open_ && request_ == Request::kBody && credit_ && !tunnel_) {
    deadline_.arm(context_.clients.body_timeout);
  } else {
    deadline_.cancel();
  }
}

void H2Stream::on_end_sent() {
  end_sent_ = true;
  await_body();
  if (!own_answer_) {
    owner_->on_answer_sent();
  }
  cut_request_once_answered();
}

// RFC 9113 8.1: what the client still sends is of no use to anybody.
void H2Stream::cut_request_once_answered() {
  if (end_sent_ && !exchange_open_ && session_open_ && !peer_ended_) {
    owner_->session().reset(id_, http::H2Error::kNone);
    owner_->send_later();
  }
}

// ---- the end

void H2Stream::settle() {
  if (!session_open_) {
    fail("client reset the stream");
    return;
  }
  if (given_up_) {
    given_up_ = false;
    exchange_.on_client_error(client_error(0, "client keeps too many windows shut"));
    return;
  }
  start_exchange();
  deliver();
  if (std::exchange(flush_due_, false) && exchange_open_) {
    exchange_.on_request_flush();
  }
  if (!exchange_open_) {
    return;
  }
  if (owner_->is_blocked()) {
    stall();
  } else if (client_waits_ && waiting() == 0) {
    client_waits_ = false;
    exchange_.on_client_writable();
  }
}

void H2Stream::stall() {
  if (exchange_open_ && !start_due_ && !std::exchange(client_waits_, true)) {
    exchange_.on_client_stalled();
  }
}

void H2Stream::on_deadline() {
  if (waiting() > 0 || owes_end()) {
    if (owner_->is_blocked()) {  // whether the client reads is judged for all its streams
      deadline_.arm(context_.options.client_send_timeout);
      return;
    }
    if (std::exchange(taken_before_, taken_) != taken_) {
      deadline_.arm(context_.options.client_send_timeout);
      return;
    }
    if (exchange_open_) {
      exchange_.on_client_error(client_error(0, "client reads too slowly"));
    } else {
      abort();
    }
    return;
  }
  if (exchange_open_ && request_ == Request::kBody) {
    // A call that streams both ways lives while either side speaks.
    if (std::exchange(taken_before_, taken_) != taken_) {
      deadline_.arm(context_.clients.body_timeout);
      return;
    }
    exchange_.on_client_error(client_error(408, "body took too long"));
  }
}

void H2Stream::abort() {
  if (session_open_) {
    owner_->session().reset(id_, http::H2Error::kInternal);
    owner_->send_later();
  }
}

void H2Stream::finished() {
  exchange_open_ = false;
  credit_ = false;
  if (session_open_) {
    if (!in_.empty()) {
      owner_->session().consume(id_, in_.size());
      empty(in_);
    }
    cut_request_once_answered();
  }
  release_if_over();
}

// From inside send(), and so perhaps from inside a call by an exchange: it is told later.
void H2Stream::on_stream_closed(http::H2Error) {
  session_open_ = false;
  if (!in_.empty()) {
    owner_->session().consume_connection(in_.size());  // nobody will read them
    empty(in_);
  }
  if (exchange_open_) {
    owner_->settle_later(*this);
    return;
  }
  release_if_over();
}

void H2Stream::fail(std::string_view reason) {
  if (std::exchange(session_open_, false)) {
    owner_->session().detach(id_);
  }
  if (exchange_open_ && !start_due_) {
    exchange_.on_client_error(client_error(0, reason));
    return;
  }
  exchange_open_ = start_due_ = false;
  release_if_over();
}

void H2Stream::release_if_over() {
  if (!exchange_open_ && !session_open_) {
    owner_->on_held(-static_cast<std::ptrdiff_t>(waiting()));
    owner_->on_stream_over(*this);
  }
}

// ---- spare ones

std::unique_ptr<H2Stream> H2Streams::take() {
  if (spare_.empty()) {
    return std::make_unique<H2Stream>(context_);
  }
  auto stream = std::move(spare_.back());
  spare_.pop_back();
  return stream;
}

void H2Streams::give_back(std::unique_ptr<H2Stream> stream) {
  stream->clear();
  if (spare_.size() < kSpare) {
    spare_.push_back(std::move(stream));
    return;
  }
  reaper_.take(std::move(stream));
}

}  // namespace portico::downstream
