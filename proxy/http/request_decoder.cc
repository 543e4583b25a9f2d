#include <cassert>

#include "proxy/http/body_decoder.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/http/head_reader.h"
#include "proxy/http/rules.h"

namespace portico::http {

struct RequestDecoder::Impl {
  explicit Impl(const Limits& limits_given) : limits(limits_given) {}

  const Limits limits;
  HeadReader reader{FieldSource::kRequest};
  RequestHead head;
  bool has_head = false;
  BodyDecoder body;
};

RequestDecoder::RequestDecoder(const Limits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestDecoder::~RequestDecoder() = default;

std::expected<std::size_t, ParseError> RequestDecoder::feed_head(std::span<const char> bytes) {
  Impl& self = *impl_;
  assert(!self.has_head && "next_message() comes first");
  const std::string_view text(bytes.data(), bytes.size());
  const StartLineRules rules{.bytes = kMaxMethodBytes + self.limits.target_bytes + 10,
                             .empty_lines = 2,
                             .too_long_status = 414};
  const auto size = self.reader.read(
      text, self.limits, rules, self.head.fields,
      [&](std::string_view line) { return parse_request_line(line, self.limits, self.head); });
  if (!size || *size == 0) {
    return size;
  }
  if (const auto judged = judge_request(self.head); !judged) {
    return std::unexpected(judged.error());
  }
  self.has_head = true;
  self.body.begin(self.head.framing, self.head.content_length, self.limits,
                  FieldSource::kRequestTrailer);
  return size;
}

RequestHead& RequestDecoder::head() {
  return impl_->head;
}

std::expected<std::size_t, ParseError> RequestDecoder::feed_body(std::span<char> bytes,
                                                                 MessageSink& sink) {
  assert(impl_->has_head);
  return impl_->body.feed(bytes, sink);
}

bool RequestDecoder::message_complete() const {
  return impl_->has_head && impl_->body.complete();
}

void RequestDecoder::next_message() {
  impl_->reader.reset();
  impl_->head.clear();
  impl_->has_head = false;
}

}  // namespace portico::http
