// The warm path allocates nothing.
#include <gtest/gtest.h>

#include "proxy/http/date.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/http/h1_encoder.h"
#include "routing/testing/count_allocations.h"

namespace portico::http {
namespace {

class Discard final : public MessageSink {
 public:
  void on_body(std::span<char>) override {}
  void on_message_end(const FieldBlock*) override {}
};

TEST(WarmPath, AllocatesNothing) {
  std::string request =
      "POST /api/v1/items?page=2 HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: curl/8\r\n"
      "Accept: */*\r\nCookie: session=0123456789abcdef\r\nX-Request-ID: 1\r\n"
      "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n";
  std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
  RequestDecoder requests(Limits{});
  ResponseDecoder answers(Limits{});
  DateCache date;
  Discard sink;
  std::string out;
  const auto one_exchange = [&] {
    const auto head = requests.feed_head(request);
    ASSERT_TRUE(head && requests.feed_body(std::span(request).subspan(*head), sink));
    ASSERT_TRUE(requests.message_complete());
    out.clear();
    HeadWriter writer(out);
    writer.request_line(requests.head().method_text, requests.head().target);
    writer.field("Host", requests.head().authority);
    writer.received_fields(requests.head().fields,
                           [](const Field& field) { return field.id == FieldId::kHost; });
    writer.field("Date", date.now());
    writer.end();
    const auto answer_head = answers.feed_head(answer);
    ASSERT_TRUE(answer_head && answers.feed_body(std::span(answer).subspan(*answer_head), sink));
    requests.next_message();
    answers.next_message();
  };
  one_exchange();
  one_exchange();
  EXPECT_EQ(routing::testing::count_allocations([&] {
              for (int i = 0; i < 100; ++i) {
                one_exchange();
              }
            }),
            0U);
}

}  // namespace
}  // namespace portico::http
