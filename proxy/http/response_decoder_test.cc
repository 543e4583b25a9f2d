#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/http/h1_decoder.h"
#include "proxy/http/testing/decode.h"

namespace portico::http {
namespace {

using namespace std::string_literals;
using testing::decode_answer;
using testing::Decoded;
using testing::for_each_split;

std::string ok(const std::string& fields, const std::string& body = "") {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}
std::string chunks(const std::string& body) {
  return ok("Transfer-Encoding: chunked\r\n", body);
}

struct Row {
  const char* name;
  std::string bytes;
  std::string transcript = {};
  Method asked = Method::kGet;
  std::string rest = {};
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}
std::string row_name(const ::testing::TestParamInfo<Row>& info) {
  return info.param.name;
}

class RefusedAnswer : public ::testing::TestWithParam<Row> {};

TEST_P(RefusedAnswer, HoweverItIsCut) {
  const Decoded whole = decode_answer(GetParam().bytes);
  EXPECT_NE(whole.status, 0) << whole.transcript;
  EXPECT_TRUE(whole.bodies.empty()) << "an answer was passed on whole";
  for_each_split(GetParam().bytes.size(), [&](const std::vector<std::size_t>& cuts) {
    EXPECT_EQ(decode_answer(GetParam().bytes, Method::kGet, cuts).transcript, whole.transcript)
        << "cut at " << cuts.front();
  });
}

INSTANTIATE_TEST_SUITE_P(
    Heads, RefusedAnswer,
    ::testing::Values(
        Row{"Http09", "<html>hello</html>\r\n"}, Row{"Http2", "HTTP/2.0 200 OK\r\n\r\n"},
        Row{"Http09Spelt", "HTTP/0.9 200 OK\r\n\r\n"}, Row{"OtherProtocol", "ICY 200 OK\r\n\r\n"},
        Row{"LowerCaseVersion", "http/1.1 200 OK\r\n\r\n"},
        Row{"EmptyLineBefore", "\r\nHTTP/1.1 200 OK\r\n\r\n"},
        Row{"StatusOfTwoDigits", "HTTP/1.1 99 OK\r\n\r\n"},
        Row{"StatusTooSmall", "HTTP/1.1 099 OK\r\n\r\n"},
        Row{"StatusOfFourDigits", "HTTP/1.1 2000 OK\r\n\r\n"},
        Row{"StatusNegative", "HTTP/1.1 -20 OK\r\n\r\n"},
        Row{"StatusNotDigits", "HTTP/1.1 2x0 OK\r\n\r\n"},
        Row{"TwoSpacesBeforeStatus", "HTTP/1.1  200 OK\r\n\r\n"},
        Row{"TabBehindStatus", "HTTP/1.1 200\tOK\r\n\r\n"},
        Row{"ReasonWithoutSpace", "HTTP/1.1 200OK\r\n\r\n"},
        Row{"CrInReason", "HTTP/1.1 200 O\rK\r\n\r\n"},
        Row{"NulInReason", "HTTP/1.1 200 O\0K\r\n\r\n"s},
        Row{"ReasonWithoutEnd", "HTTP/1.1 200 " + std::string(5000, 'a')},
        Row{"BareLf", "HTTP/1.1 200 OK\nX: y\n\n"}, Row{"BareLfBehindField", ok("X: y\nZ: a\r\n")},
        Row{"HeaderInjectionByBareCr", ok("X: y\rSet-Cookie: a\r\n")},
        Row{"NulInValue", ok("X: a\0b\r\n"s)}, Row{"FoldedField", ok("X: a\r\n b\r\n")},
        Row{"SpaceBeforeColon", ok("Content-Length : 5\r\n", "hello")},
        Row{"SpaceBeforeFirstField", ok(" X: y\r\n")}, Row{"NoColon", ok("nonsense\r\n")},
        Row{"EmptyName", ok(": y\r\n")}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Framing, RefusedAnswer,
    ::testing::Values(
        Row{"BothFramings", ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "hello")},
        Row{"BothFramingsReversed",
            ok("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "hello")},
        Row{"EqualLengths", ok("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
        Row{"UnequalLengths", ok("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")},
        Row{"ListOfLengths", ok("Content-Length: 5, 5\r\n", "hello")},
        Row{"SignedLength", ok("Content-Length: +5\r\n", "hello")},
        Row{"EmptyLength", ok("Content-Length:\r\n", "hello")},
        Row{"LengthBeyond64Bits", ok("Content-Length: 99999999999999999999\r\n", "hello")},
        Row{"UnknownCoding", ok("Transfer-Encoding: gzip\r\n", "hello")},
        Row{"CodingBeforeChunked", ok("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
        Row{"Identity", ok("Transfer-Encoding: identity\r\n", "hello")},
        Row{"ChunkedTwice", ok("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")},
        Row{"ChunkedInHttp10", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        Row{"BadSize", chunks("x\r\n")}, Row{"LfBehindSize", chunks("5\nhello\r\n0\r\n\r\n")},
        Row{"DataLongerThanSize", chunks("4\r\nhello\r\n0\r\n\r\n")},
        Row{"BadTrailer", chunks("0\r\nX : y\r\n\r\n")},
        Row{"BothFramingsIn204",
            "HTTP/1.1 204 No\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"}),
    row_name);

class AcceptedAnswer : public ::testing::TestWithParam<Row> {};

TEST_P(AcceptedAnswer, IsReadTheSameHoweverItIsCut) {
  const Row& row = GetParam();
  const Decoded whole = decode_answer(row.bytes, row.asked);
  EXPECT_EQ(whole.transcript, row.transcript);
  EXPECT_EQ(whole.rest, row.rest);
  for_each_split(row.bytes.size(), [&](const std::vector<std::size_t>& cuts) {
    const Decoded cut = decode_answer(row.bytes, row.asked, cuts);
    EXPECT_EQ(cut.transcript, whole.transcript) << "cut at " << cuts.front();
    EXPECT_EQ(cut.rest, whole.rest) << "cut at " << cuts.front();
  });
}

const std::string kNoBody = "body \ntrailers no body\n";

INSTANTIATE_TEST_SUITE_P(
    Answers, AcceptedAnswer,
    ::testing::Values(
        Row{"Length", ok("Content-Length: 5\r\n", "hello"),
            "answer 200 [OK] 1.1 framing 1 5 keep upgrade[]\n  Content-Length: 5\n"
            "body hello\ntrailers end\n"},
        Row{"BytesBehindTheEndAreLeft", ok("Content-Length: 5\r\n", "helloHTTP/1.1 200 OK\r\n"),
            "answer 200 [OK] 1.1 framing 1 5 keep upgrade[]\n  Content-Length: 5\n"
            "body hello\ntrailers end\n",
            Method::kGet, "HTTP/1.1 200 OK\r\n"},
        Row{"Chunks", chunks("5\r\nhello\r\n0\r\nGrpc-Status: 0\r\nSet-Cookie: x\r\n\r\n"),
            "answer 200 [OK] 1.1 framing 2 0 keep upgrade[]\n  Transfer-Encoding: chunked\n"
            "body hello\ntrailers Grpc-Status: 0\nend\n"},
        Row{"UntilClose", ok("X: y\r\n", "hello"),
            "answer 200 [OK] 1.1 framing 3 0 close upgrade[]\n  X: y\nunfinished body hello\n"},
        Row{"NoReason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
            "answer 200 [] 1.1 framing 1 0 keep upgrade[]\n  Content-Length: 0\n" + kNoBody},
        Row{"NoSpaceBehindStatus", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
            "answer 200 [] 1.1 framing 1 0 keep upgrade[]\n  Content-Length: 0\n" + kNoBody},
        Row{"ReasonNotAscii", "HTTP/1.1 200 \xc3\xa9 \t!\r\nContent-Length: 0\r\n\r\n",
            "answer 200 [\xc3\xa9 \t!] 1.1 framing 1 0 keep upgrade[]\n  Content-Length: 0\n" +
                kNoBody},
        Row{"UnregisteredStatus", "HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n",
            "answer 999 [No] 1.1 framing 1 0 keep upgrade[]\n  Content-Length: 0\n" + kNoBody},
        Row{"NameWithUnderscoreIsKept", ok("X_Y: z\r\nContent-Length: 0\r\n"),
            "answer 200 [OK] 1.1 framing 1 0 keep upgrade[]\n  X_Y: z\n  Content-Length: 0\n" +
                kNoBody},
        Row{"Closing", ok("Connection: close\r\nContent-Length: 0\r\n"),
            "answer 200 [OK] 1.1 framing 1 0 close upgrade[]\n  Connection: close\n"
            "  Content-Length: 0\n" +
                kNoBody},
        Row{"Http10", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            "answer 200 [OK] 1.0 framing 1 0 close upgrade[]\n  Content-Length: 0\n" + kNoBody},
        Row{"InterimAnswersBefore",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" +
                ok("Content-Length: 0\r\n"),
            "answer 100 [Continue] 1.1 framing 0 0 keep upgrade[]\n" + kNoBody +
                "answer 103 [Early Hints] 1.1 framing 0 0 keep upgrade[]\n  Link: a\n" + kNoBody +
                "answer 200 [OK] 1.1 framing 1 0 keep upgrade[]\n  Content-Length: 0\n" + kNoBody},
        Row{"SwitchLeavesTheTunnelsBytes",
            "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nframes",
            "answer 101 [Go] 1.1 framing 0 0 close upgrade[websocket]\n  Upgrade: websocket\n"
            "  Connection: upgrade\n" +
                kNoBody,
            Method::kGet, "frames"},
        Row{"ToHead", ok("Content-Length: 5\r\n", "hello"),
            "answer 200 [OK] 1.1 framing 0 5 keep upgrade[]\n  Content-Length: 5\n" + kNoBody,
            Method::kHead, "hello"},
        Row{"ToHeadWithoutFraming", ok("X: y\r\n"),
            "answer 200 [OK] 1.1 framing 0 0 keep upgrade[]\n  X: y\n" + kNoBody, Method::kHead},
        Row{"NoContentHasNoBody", "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello",
            "answer 204 [No] 1.1 framing 0 5 keep upgrade[]\n  Content-Length: 5\n" + kNoBody,
            Method::kGet, "hello"},
        Row{"NotModifiedHasNoBody",
            "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "answer 304 [Same] 1.1 framing 0 0 keep upgrade[]\n  Transfer-Encoding: chunked\n" +
                kNoBody,
            Method::kGet, "0\r\n\r\n"}),
    row_name);

TEST(ResponseDecoder, EndsABodyThatRunsUntilClose) {
  ResponseDecoder decoder(Limits{});
  std::string bytes = ok("", "hello");
  const auto head = decoder.feed_head(bytes);
  ASSERT_TRUE(head);
  testing::Recorder recorder;
  EXPECT_EQ(decoder.feed_body(std::span(bytes).subspan(*head), recorder), 5U);
  EXPECT_FALSE(decoder.message_complete());
  EXPECT_TRUE(decoder.feed_end(recorder));
  EXPECT_TRUE(decoder.message_complete());
  EXPECT_TRUE(recorder.ended);
  EXPECT_EQ(recorder.body, "hello");
}

TEST(ResponseDecoder, RefusesAnEndBeforeTheAnswerIsWhole) {
  for (std::string bytes : {"HTTP/1.1 200 O"s, ok("Content-Length: 5\r\n", "hell"),
                            chunks("5\r\nhello\r\n"), chunks("5\r\nhello\r\n0\r\n")}) {
    ResponseDecoder decoder(Limits{});
    testing::Recorder recorder;
    const auto head = decoder.feed_head(bytes);
    ASSERT_TRUE(head);
    if (*head > 0) {
      ASSERT_TRUE(decoder.feed_body(std::span(bytes).subspan(*head), recorder));
    }
    EXPECT_FALSE(decoder.feed_end(recorder)) << bytes;
    EXPECT_FALSE(recorder.ended);
  }
}

TEST(ResponseDecoder, BoundsAnswersWithoutEnd) {
  EXPECT_NE(decode_answer("HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'a')).status, 0);
  std::string fields;
  for (int i = 0; i < 101; ++i) {
    fields += "X: y\r\n";
  }
  EXPECT_NE(decode_answer(ok(fields)).status, 0);
}

}  // namespace
}  // namespace portico::http
