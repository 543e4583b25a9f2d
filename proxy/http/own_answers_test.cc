// What Portico writes by itself: heads, dates, request ids and error pages.
#include <set>

#include <gtest/gtest.h>

#include "proxy/http/date.h"
#include "proxy/http/error_page.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/http/h1_encoder.h"
#include "proxy/http/request_id.h"
#include "proxy/http/status_text.h"

namespace portico::http {
namespace {

TEST(HeadWriter, WritesARequestBehindWhatIsThere) {
  std::string out = "before|";
  HeadWriter head(out);
  head.request_line("GET", "/a?b");
  head.field("Host", "a");
  head.field("X", "");
  head.number_field("Content-Length", 18446744073709551615U);
  head.end();
  EXPECT_EQ(out,
            "before|GET /a?b HTTP/1.1\r\nHost: a\r\nX: \r\n"
            "Content-Length: 18446744073709551615\r\n\r\n");
}

TEST(HeadWriter, SaysTheStandardPhraseWhereThereIsNone) {
  std::string out;
  HeadWriter head(out);
  head.status_line(404, {});
  head.status_line(200, "Fine");
  head.status_line(599, {});
  head.end();
  EXPECT_EQ(out, "HTTP/1.1 404 Not Found\r\nHTTP/1.1 200 Fine\r\nHTTP/1.1 599 \r\n\r\n");
}

TEST(HeadWriter, GrowsAsMuchAsAHeadNeeds) {
  for (const std::size_t size : {0U, 1000U, 1024U, 5000U}) {
    std::string out = "before|";
    std::string wanted = out;
    HeadWriter head(out);
    for (int i = 0; i < 40; ++i) {
      const std::string value(size + static_cast<std::size_t>(i), 'v');
      head.field("Name", value);
      wanted += "Name: " + value + "\r\n";
    }
    head.end();
    EXPECT_TRUE(out == wanted + "\r\n") << size;
  }
}

TEST(HeadWriter, PassesReceivedFieldsInOneSpelling) {
  RequestDecoder decoder(Limits{});
  const std::string bytes =
      "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC:\t3 \r\nd: 4\r\nX_Y: left out\r\nE: \r\n"
      "Connection: e2\r\nE2: 5\r\nE3:  6\r\nF:\r\nVia: 7\r\nG: \xc3\xa9\t8\r\n\r\n";
  ASSERT_TRUE(decoder.feed_head(bytes));
  std::string out;
  HeadWriter head(out);
  head.received_fields(decoder.head().fields, [](const Field& field) {
    return field.id == FieldId::kHost || field.id == FieldId::kVia;
  });
  head.end();
  EXPECT_EQ(out, "A: 1\r\nB: 2\r\nC: 3\r\nd: 4\r\nE: \r\nE3: 6\r\nF: \r\nG: \xc3\xa9\t8\r\n\r\n");
}

#ifndef NDEBUG
TEST(HeadWriterDeathTest, StopsAtAByteThatCouldEndALine) {
  std::string out;
  HeadWriter head(out);
  EXPECT_DEATH(head.field("X", "a\r\nY: b"), "is_clean");
  EXPECT_DEATH(head.field("X", "a\nb"), "is_clean");
  EXPECT_DEATH(head.field("X\r", "a"), "is_clean");
  EXPECT_DEATH(head.request_line("GET", "/a b"), "target");
  head.end();
}
#endif

TEST(ChunkWriter, WritesSizesAndTrailers) {
  std::string out;
  append_chunk_header(out, 26);
  append_last_chunk(out, nullptr);
  FieldBlock trailers;
  trailers.add(FieldId::kOther, "A", "b");
  append_last_chunk(out, &trailers);
  EXPECT_EQ(out, "1a\r\n0\r\n\r\n0\r\nA: b\r\n\r\n");
}

TEST(DateCache, WritesImfFixdate) {
  using std::chrono::system_clock;
  DateCache date;
  EXPECT_EQ(date.at(system_clock::from_time_t(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(system_clock::from_time_t(784111777) + std::chrono::milliseconds(999)),
            "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(system_clock::from_time_t(1709251199)), "Thu, 29 Feb 2024 23:59:59 GMT");
  EXPECT_EQ(date.at(system_clock::from_time_t(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(RequestIds, AreBoundedInLengthAndAlphabet) {
  EXPECT_TRUE(is_valid_request_id("0af7651916cd43dd8448eb211c80319c"));
  EXPECT_TRUE(is_valid_request_id("Root=1-67891233-abcdef012345678912345678"));
  EXPECT_TRUE(is_valid_request_id(std::string(128, 'a')));
  for (const auto& id : {std::string(), std::string(129, 'a'), std::string("a b"),
                         std::string("a\"b"), std::string("<a>"), std::string("a\\b"),
                         std::string("\xc3\xa9"), std::string("a\0b", 3), std::string("a,b")}) {
    EXPECT_FALSE(is_valid_request_id(id)) << id;
  }
}

TEST(RequestIds, AreHexAndDiffer) {
  RequestIdGenerator one;
  RequestIdGenerator two;
  char buffer[32];
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.emplace(one.next(buffer));
    seen.emplace(two.next(buffer));
  }
  EXPECT_EQ(seen.size(), 2000U);
  for (const auto& id : seen) {
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
  }
}

std::string_view type_for(std::string_view accept) {
  const auto type = error_page(404, accept, "").content_type;
  return type.substr(0, type.find(';'));
}

TEST(ErrorPages, FollowAccept) {
  EXPECT_EQ(type_for(""), "text/html");
  EXPECT_EQ(type_for("*/*"), "text/html");
  EXPECT_EQ(type_for("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            "text/html");
  EXPECT_EQ(type_for("application/json"), "application/json");
  EXPECT_EQ(type_for("application/json, text/plain, */*"), "application/json");
  EXPECT_EQ(type_for("APPLICATION/*"), "application/json");
  EXPECT_EQ(type_for("text/html;q=0.2, application/json;q=0.9"), "application/json");
  EXPECT_EQ(type_for("text/html;level=1;q=0, text/plain;q=0.1"), "text/plain");
  EXPECT_EQ(type_for("text/plain"), "text/plain");
  EXPECT_EQ(type_for("image/png"), "text/html");
  EXPECT_EQ(type_for(";;q=,=,/"), "text/html");
}

TEST(ErrorPages, SayStatusMeaningAndRequest) {
  EXPECT_EQ(error_page(404, "application/json", "abc").body,
            "{\"status\":404,\"error\":\"Not Found\",\"message\":\"There is no page at this "
            "address.\",\"request_id\":\"abc\"}\n");
  EXPECT_EQ(error_page(502, "text/plain", "abc").body,
            "502 Bad Gateway\nThe service behind this page gave no valid answer.\nRequest abc\n");
  EXPECT_NE(error_page(503, "", "abc").body.find("<h1>503 Service Unavailable</h1>"),
            std::string::npos);
  EXPECT_EQ(error_page(400, "text/plain", "abc", "A certificate is needed.").body,
            "400 Bad Request\nA certificate is needed.\nRequest abc\n");
}

TEST(ErrorPages, HaveAPhraseForEveryStatusGivenHere) {
  for (const int status : {308, 400, 403, 404, 405, 408, 413, 414, 417, 421,
                           425, 426, 429, 431, 500, 501, 502, 503, 504, 505}) {
    EXPECT_FALSE(status_text(static_cast<std::uint16_t>(status)).empty()) << status;
  }
}

}  // namespace
}  // namespace portico::http
