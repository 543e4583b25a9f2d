// Requests: the same is found however the bytes are cut; what is accepted has one framing, no byte
// that could end a line, is the same once written and read again, and has the fields that Beast
// finds.
#include <cstdlib>

#include "proxy/http/chars.h"
#include "proxy/http/h1_encoder.h"
#include "proxy/http/line_scanner.h"
#include "proxy/http/testing/beast_oracle.h"
#include "proxy/http/testing/decode.h"

namespace {

using namespace portico::http;  // a fuzz target is one file about one namespace

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

bool is_clean(std::string_view text) {
  const char* const end = text.data() + text.size();
  return find_control(text.data(), end) == end;
}

void check(const RequestHead& head) {
  require(is_token(head.method_text) && is_clean(head.target) && is_clean(head.authority));
  require(!head.target.empty() && head.target.find(' ') == std::string::npos);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const Field field = head.fields[i];
    require(is_token(field.name) && is_clean(field.value) && trim(field.value) == field.value);
  }
  const std::size_t codings = head.fields.count(FieldId::kTransferEncoding);
  const std::size_t lengths = head.fields.count(FieldId::kContentLength);
  require(codings + lengths <= 1);
  require((head.framing == Framing::kChunked) == (codings == 1));
  require((head.framing == Framing::kLength) == (lengths == 1));
  require(head.fields.count(FieldId::kHost) <= 1);
}

void check_written_again(const RequestHead& head) {
  std::string bytes;
  HeadWriter writer(bytes);
  writer.request_line(head.method_text, head.target);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    writer.field(head.fields[i].name, head.fields[i].value);
  }
  if (head.version_minor == 0 && head.fields.count(FieldId::kHost) == 0) {
    writer.field("Host", "a");
  }
  writer.end();
  RequestDecoder decoder(Limits{.head_bytes = 1 << 20, .fields = 1000});
  const auto taken = decoder.feed_head(bytes);
  require(taken && *taken == bytes.size());
  const RequestHead& again = decoder.head();
  require(again.target == head.target && again.method_text == head.method_text);
  require(again.framing == head.framing && again.content_length == head.content_length);
}

// What we accept, Beast accepts with the same fields.
void check_with_beast(std::string_view input, const Limits& limits) {
  RequestDecoder decoder(limits);
  const auto taken = decoder.feed_head(input);
  if (!taken || *taken == 0) {
    return;
  }
  auto fields = testing::read_fields_with_beast(testing::field_section(input.substr(0, *taken)));
  require(fields && testing::without_underscores(std::move(*fields)) ==
                        testing::names_and_values(decoder.head().fields));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Limits limits{.head_bytes = 2048, .fields = 20, .target_bytes = 256};
  const auto whole = portico::http::testing::decode_requests(input, {}, limits);
  for (const RequestHead& head : whole.requests) {
    check(head);
    if (head.target != "*" || head.method == Method::kOptions) {
      check_written_again(head);
    }
  }
  check_with_beast(input, limits);
  std::vector<std::size_t> every;
  for (std::size_t cut = 1; cut < size; ++cut) {
    every.push_back(cut);
  }
  const auto bytewise = portico::http::testing::decode_requests(input, every, limits);
  require(bytewise.transcript == whole.transcript);
  if (size > 1) {
    const std::size_t cut = 1 + data[0] % (size - 1);
    require(portico::http::testing::decode_requests(input, {cut}, limits).transcript ==
            whole.transcript);
  }
  return 0;
}
