#include "controller/kube/api/answer_reader.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include <boost/beast/http/basic_parser.hpp>

#include "controller/kube/api/inflater.h"
#include "controller/kube/api/text.h"

namespace portico::kube {
namespace {

namespace beast = boost::beast::http;
using ErrorCode = boost::beast::error_code;
using BeastView = boost::beast::string_view;

std::string_view view(BeastView text) {
  return {text.data(), text.size()};
}

// One answer. Not eager, so that a call finds a head or one piece of a body, and nothing is told
// from inside the parser.
class Parser final : public beast::basic_parser<false> {
 public:
  explicit Parser(bool without_body) {
    eager(false);
    skip(without_body);
    header_limit(AnswerReader::kMaxHead);
    body_limit(boost::none);  // the caller's to judge
  }

  AnswerHead head;
  std::string content_encoding;
  std::string_view piece;
  bool head_is_new = false;
  bool seen_chunk = false;

 private:
  void on_field_impl(beast::field field, BeastView /*name*/, BeastView value,
                     ErrorCode& ec) override {
    if (is_header_done()) {
      return;  // a trailer
    }
    if (field == beast::field::retry_after) {
      head.retry_after = view(value);
    } else if (field == beast::field::location) {
      head.location = view(value);
    } else if (field == beast::field::content_encoding) {
      content_encoding += (content_encoding.empty() ? "" : ",") + lower(view(value));
    } else if (field == beast::field::transfer_encoding && lower(view(value)) != "chunked") {
      ec = beast::error::bad_transfer_encoding;
    }
  }
  void on_response_impl(int status, BeastView, int, ErrorCode&) override { head.status = status; }
  void on_header_impl(ErrorCode&) override { head_is_new = true; }
  std::size_t on_body_impl(BeastView body, ErrorCode&) override {
    piece = view(body);
    return body.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, ErrorCode&) override {
    piece = view(body);
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, BeastView, ErrorCode&) override { seen_chunk = true; }
  void on_request_impl(beast::verb, BeastView, BeastView, int, ErrorCode&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCode&) override {}
  void on_finish_impl(ErrorCode&) override {}
};

// Beast 1.81 asserts that an empty chunked body comes in no smaller pieces (parse_chunk_header);
// no chunk with what must follow it is shorter either.
constexpr std::size_t kShortestChunk = 5;

std::string_view reason_of(const ErrorCode& error) {
  if (error == beast::error::header_limit) {
    return "its head is too large";
  }
  if (error == beast::error::bad_version || error == beast::error::bad_status) {
    return "it does not begin like HTTP";
  }
  if (error == beast::error::bad_chunk || error == beast::error::bad_chunk_extension) {
    return "its chunks are malformed";
  }
  return "its head is malformed";
}

}  // namespace

struct AnswerReader::Impl {
  std::optional<Parser> parser;
  std::optional<Inflater> inflater;  // only while a packed body is under way
  std::string_view piece;
  std::string problem;
  bool to_connect = false;
  bool begun = false;
  bool packed = false;
  bool draining = false;  // the inflater has input left
  bool unpacked_some = false;

  Event broken(std::string_view why) {
    problem = why;
    return Event::kBroken;
  }

  // What the head says about the body; kMore: that was an interim answer.
  Event take_head() {
    parser->head_is_new = false;
    const int status = parser->head.status;
    if (status == 101) {
      return broken("it switches to a protocol that was not asked for");
    }
    if (status < 200) {
      parser.emplace(to_connect);
      return Event::kMore;
    }
    const std::string& encoding = parser->content_encoding;
    packed = encoding == "gzip" || encoding == "x-gzip";
    if (packed) {
      inflater.emplace();
    }
    if (!packed && !encoding.empty() && encoding != "identity") {
      return broken("its body is packed in a way that was not asked for");
    }
    return Event::kHead;
  }

  // kMore: the inflater is empty.
  Event unpack() {
    unpacked_some = true;
    switch (inflater->next()) {
      case Inflater::Result::kPiece:
        draining = true;
        piece = inflater->piece();
        return Event::kPiece;
      case Inflater::Result::kBroken:
        return broken("its gzip body is damaged");
      case Inflater::Result::kMore:
        break;
    }
    draining = false;
    return Event::kMore;
  }

  Event take_piece() {
    piece = std::exchange(parser->piece, {});
    if (!packed) {
      return Event::kPiece;
    }
    inflater->feed(piece);
    return unpack();
  }

  Event finish() {
    const bool is_whole = !packed || !unpacked_some || inflater->is_whole();
    inflater.reset();
    packed = false;
    return is_whole ? Event::kEnd : broken("its gzip body ends too early");
  }

  // What one call of the parser found.
  Event judge(const ErrorCode& error, std::size_t left) {
    if (parser->head_is_new) {
      return take_head();
    }
    if (error && error != beast::error::need_more) {
      return broken(reason_of(error));
    }
    if (!parser->piece.empty()) {
      if (const Event event = take_piece(); event != Event::kMore) {
        return event;
      }
    }
    if (parser->is_done()) {
      return finish();
    }
    return left > kMaxHead && error ? broken("a chunk's head or the trailers are too large")
                                    : Event::kMore;
  }
};

AnswerReader::AnswerReader() : impl_(std::make_unique<Impl>()) {
  start();
}
AnswerReader::~AnswerReader() = default;

void AnswerReader::start(bool to_connect) {
  Impl& self = *impl_;
  self.parser.emplace(to_connect);
  self.inflater.reset();
  self.piece = {};
  self.problem.clear();
  self.to_connect = to_connect;
  self.begun = self.packed = self.draining = self.unpacked_some = false;
}

AnswerReader::Step AnswerReader::next(std::string_view bytes) {
  Impl& self = *impl_;
  self.begun = self.begun || !bytes.empty();
  if (!self.problem.empty()) {
    return {Event::kBroken, 0};
  }
  if (self.draining) {
    if (const Event event = self.unpack(); event != Event::kMore) {
      return {event, 0};
    }
  }
  if (self.parser->is_done()) {
    return {self.finish(), 0};
  }
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const std::string_view rest = bytes.substr(taken);
    Parser& parser = *self.parser;
    if (parser.is_header_done() && parser.chunked() && !parser.seen_chunk &&
        rest.size() < kShortestChunk) {
      break;
    }
    ErrorCode error;
    const std::size_t used = parser.put({rest.data(), rest.size()}, error);
    taken += used;
    if (const Event event = self.judge(error, rest.size() - used); event != Event::kMore) {
      return {event, taken};
    }
    if (error == beast::error::need_more) {
      break;
    }
  }
  return {Event::kMore, taken};
}

AnswerReader::Event AnswerReader::end() {
  Impl& self = *impl_;
  if (!self.problem.empty()) {
    return Event::kBroken;
  }
  ErrorCode error = beast::error::partial_message;
  if (self.parser->got_some() && !self.parser->is_done()) {
    self.parser->put_eof(error);
  }
  return error ? self.broken("the connection ended before it was whole") : self.finish();
}

const AnswerHead& AnswerReader::head() const {
  return impl_->parser->head;
}
std::string_view AnswerReader::piece() const {
  return impl_->piece;
}
const std::string& AnswerReader::problem() const {
  return impl_->problem;
}
bool AnswerReader::has_begun() const {
  return impl_->begun;
}
bool AnswerReader::keeps_alive() const {
  return impl_->parser->is_done() && impl_->parser->keep_alive();
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                      std::int64_t now_unix_seconds) {
  constexpr std::int64_t kDay = 24 * 60 * 60;
  std::int64_t seconds = 0;
  const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc::result_out_of_range) {
    return std::chrono::seconds(kDay);
  }
  if (error != std::errc() || stop != value.data() + value.size()) {
    std::tm date{};
    const std::string text(value);
    const char* rest = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (rest == nullptr || *rest != '\0') {
      return std::nullopt;
    }
    seconds = ::timegm(&date) - now_unix_seconds;
  }
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kDay));
}

}  // namespace portico::kube
