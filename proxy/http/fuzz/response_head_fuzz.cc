// Answers: the same is found however the bytes are cut; what is accepted has one framing and no
// byte that could end a line, and has the fields that Beast finds.
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

void check(const ResponseHead& head, Method asked) {
  require(head.status >= 100 && head.status <= 999);
  require(head.fields.count(FieldId::kTransferEncoding) +
              head.fields.count(FieldId::kContentLength) <=
          1);
  std::string bytes;
  HeadWriter writer(bytes);  // stops at a byte that could end a line
  writer.status_line(head.status, head.reason);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    require(is_token(head.fields[i].name));
    writer.field(head.fields[i].name, head.fields[i].value);
  }
  writer.end();
  ResponseDecoder decoder(Limits{.head_bytes = 1 << 20, .fields = 1000});
  decoder.expect_answer_to(asked);
  const auto taken = decoder.feed_head(bytes);
  require(taken && *taken == bytes.size());
  require(decoder.head().framing == head.framing);
  require(decoder.head().content_length == head.content_length);
}

// What we accept, Beast accepts with the same fields.
void check_with_beast(std::string_view input, Method asked, const Limits& limits) {
  ResponseDecoder decoder(limits);
  decoder.expect_answer_to(asked);
  const auto taken = decoder.feed_head(input);
  if (taken && *taken > 0) {
    require(testing::read_fields_with_beast(testing::field_section(input.substr(0, *taken))) ==
            testing::names_and_values(decoder.head().fields));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  // The first byte chooses the method asked with.
  const Method asked = data[0] % 2 == 0 ? Method::kHead : Method::kGet;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Limits limits{.head_bytes = 2048, .fields = 20};
  const auto whole = portico::http::testing::decode_answer(input, asked, {}, limits);
  for (const ResponseHead& head : whole.responses) {
    check(head, asked);
  }
  check_with_beast(input, asked, limits);
  std::vector<std::size_t> every;
  for (std::size_t cut = 1; cut < input.size(); ++cut) {
    every.push_back(cut);
  }
  const auto bytewise = portico::http::testing::decode_answer(input, asked, every, limits);
  require(bytewise.transcript == whole.transcript && bytewise.rest == whole.rest);
  return 0;
}
