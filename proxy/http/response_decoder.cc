#include <cassert>

#include "proxy/http/body_decoder.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/http/head_reader.h"
#include "proxy/http/rules.h"

namespace portico::http {

struct ResponseDecoder::Impl {
  explicit Impl(const Limits& limits_given) : limits(limits_given) {}

  const Limits limits;
  Method asked = Method::kGet;
  HeadReader reader{FieldSource::kResponse};
  ResponseHead head;
  bool has_head = false;
  BodyDecoder body;
};

ResponseDecoder::ResponseDecoder(const Limits& limits) : impl_(std::make_unique<Impl>(limits)) {}
ResponseDecoder::~ResponseDecoder() = default;

void ResponseDecoder::expect_answer_to(Method method) {
  impl_->asked = method;
}

std::expected<std::size_t, ParseError> ResponseDecoder::feed_head(std::span<const char> bytes) {
  Impl& self = *impl_;
  assert(!self.has_head && "next_message() comes first");
  const std::string_view text(bytes.data(), bytes.size());
  const StartLineRules rules{.bytes = 4096, .empty_lines = 0, .too_long_status = 502};
  const auto size =
      self.reader.read(text, self.limits, rules, self.head.fields,
                       [&](std::string_view line) { return parse_status_line(line, self.head); });
  if (!size || *size == 0) {
    return size;
  }
  if (const auto judged = judge_response(self.head, self.asked); !judged) {
    return std::unexpected(judged.error());
  }
  self.has_head = true;
  self.body.begin(self.head.framing, self.head.content_length, self.limits,
                  FieldSource::kResponseTrailer);
  return size;
}

ResponseHead& ResponseDecoder::head() {
  return impl_->head;
}

std::expected<std::size_t, ParseError> ResponseDecoder::feed_body(std::span<char> bytes,
                                                                  MessageSink& sink) {
  assert(impl_->has_head);
  return impl_->body.feed(bytes, sink);
}

std::expected<void, ParseError> ResponseDecoder::feed_end(MessageSink& sink) {
  if (!impl_->has_head) {
    return std::unexpected(ParseError{.status = 502, .reason = "closed before an answer"});
  }
  return impl_->body.feed_end(sink);
}

bool ResponseDecoder::message_complete() const {
  return impl_->has_head && impl_->body.complete();
}

void ResponseDecoder::next_message() {
  impl_->reader.reset();
  impl_->head.clear();
  impl_->has_head = false;
}

}  // namespace portico::http
