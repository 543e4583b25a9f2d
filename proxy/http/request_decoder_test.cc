#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/http/h1_decoder.h"
#include "proxy/http/testing/decode.h"

namespace portico::http {
namespace {

using namespace std::string_literals;
using testing::decode_requests;
using testing::Decoded;
using testing::for_each_split;

struct Refusal {
  const char* name;
  std::string bytes;
  std::uint16_t status = 400;
};

void PrintTo(const Refusal& row, std::ostream* out) {
  *out << row.name;
}

std::string row_name(const ::testing::TestParamInfo<Refusal>& info) {
  return info.param.name;
}

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
std::string post(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\nhello";
}
std::string line(const std::string& start) {
  return start + "\r\nHost: a\r\n\r\n";
}
std::string host(const std::string& value) {
  return "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
}
std::string chunks(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

class RefusedRequest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedRequest, WithItsStatusHoweverItIsCut) {
  const Decoded whole = decode_requests(GetParam().bytes);
  EXPECT_EQ(whole.status, GetParam().status) << whole.transcript;
  EXPECT_TRUE(whole.bodies.empty()) << "a request was passed on whole";
  for_each_split(GetParam().bytes.size(), [&](const std::vector<std::size_t>& cuts) {
    EXPECT_EQ(decode_requests(GetParam().bytes, cuts).transcript, whole.transcript)
        << "cut at " << cuts.front();
  });
}

INSTANTIATE_TEST_SUITE_P(
    Framing, RefusedRequest,
    ::testing::Values(
        Refusal{"LengthThenChunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
        Refusal{"ChunkedThenLength", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")},
        Refusal{"UnequalLengths", post("Content-Length: 5\r\nContent-Length: 6\r\n")},
        Refusal{"EqualLengths", post("Content-Length: 5\r\nContent-Length: 5\r\n")},
        Refusal{"ListOfEqualLengths", post("Content-Length: 5, 5\r\n")},
        Refusal{"ListWithEmptyElement", post("Content-Length: 5,\r\n")},
        Refusal{"SignedLength", post("Content-Length: +5\r\n")},
        Refusal{"NegativeLength", post("Content-Length: -5\r\n")},
        Refusal{"HexLength", post("Content-Length: 0x5\r\n")},
        Refusal{"EmptyLength", post("Content-Length:\r\n")},
        Refusal{"LengthWithSpaceInside", post("Content-Length: 5 5\r\n")},
        Refusal{"LengthWithUnderscore", post("Content-Length: 1_0\r\n")},
        Refusal{"LengthBeyond64Bits", post("Content-Length: 18446744073709551616\r\n")},
        Refusal{"LengthFarBeyond64Bits", post("Content-Length: 184467440737095516160000\r\n")},
        Refusal{"LengthWithFraction", post("Content-Length: 5.0\r\n")},
        Refusal{"UnknownCoding", post("Transfer-Encoding: gzip\r\n")},
        Refusal{"CodingBeforeChunked", post("Transfer-Encoding: gzip, chunked\r\n")},
        Refusal{"CodingBehindChunked", post("Transfer-Encoding: chunked, gzip\r\n")},
        Refusal{"Identity", post("Transfer-Encoding: identity\r\n")},
        Refusal{"ChunkedTwiceInAList", post("Transfer-Encoding: chunked, chunked\r\n")},
        Refusal{"ChunkedTwice",
                post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
        Refusal{"ChunkedAndIdentity",
                post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")},
        Refusal{"QuotedChunked", post("Transfer-Encoding: \"chunked\"\r\n")},
        Refusal{"ChunkedWithParameter", post("Transfer-Encoding: chunked;q=1\r\n")},
        Refusal{"EmptyCoding", post("Transfer-Encoding:\r\n")},
        Refusal{"ChunkedBehindComma", post("Transfer-Encoding: ,chunked\r\n")},
        Refusal{"ChunkedBehindVerticalTab", post("Transfer-Encoding: \vchunked\r\n")},
        Refusal{"ChunkedBehindNonAsciiSpace", post("Transfer-Encoding: \xa0"
                                                   "chunked\r\n")},
        Refusal{"MisspeltChunked", post("Transfer-Encoding: xchunked\r\n")},
        Refusal{"ChunkedInHttp10",
                "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Bytes, RefusedRequest,
    ::testing::Values(Refusal{"BareLfEverywhere", "GET / HTTP/1.1\nHost: a\n\n"},
                      Refusal{"BareLfInTheRequestLine", "GET / HTTP/1.1\nHost: a\r\n\r\n"},
                      Refusal{"BareLfBehindAField", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"},
                      Refusal{"BareLfAtTheEnd", "GET / HTTP/1.1\r\nHost: a\r\n\n"},
                      Refusal{"BareCrInAValue", get("X: a\rb\r\n")},
                      Refusal{"BareCrAsLineEnd", "GET / HTTP/1.1\rHost: a\r\r"},
                      Refusal{"CrCrLf", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"},
                      Refusal{"CrBeforeTheEnd", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"},
                      Refusal{"NulInAValue", get("X: a\0b\r\n"s)},
                      Refusal{"NulInAName", get("X\0Y: b\r\n"s)},
                      Refusal{"ControlInAValue", get("X: a\x01"
                                                     "b\r\n")},
                      Refusal{"DelInAValue", get("X: a\x7f"
                                                 "b\r\n")},
                      Refusal{"VerticalTabInAValue", get("X: a\vb\r\n")},
                      Refusal{"FormFeedInAValue", get("X: a\fb\r\n")},
                      Refusal{"SpaceBeforeTheColon", get("X : b\r\n")},
                      Refusal{"TabBeforeTheColon", get("X\t: b\r\n")},
                      Refusal{"SpaceBeforeTheColonOfLength", post("Content-Length : 5\r\n")},
                      Refusal{"SpaceBeforeTheFirstField",
                              "GET / HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n"},
                      Refusal{"FoldedField", get("X: a\r\n b\r\n")},
                      Refusal{"FoldedFieldByTab", get("X: a\r\n\tb\r\n")},
                      Refusal{"FoldedCoding", post("Transfer-Encoding:\r\n chunked\r\n")},
                      Refusal{"EmptyName", get(": b\r\n")}, Refusal{"NoColon", get("nonsense\r\n")},
                      Refusal{"NameWithParenthesis", get("X(Y): b\r\n")},
                      Refusal{"NameWithSpace", get("X Y: b\r\n")},
                      Refusal{"NameNotAscii", get("X\xc3\xa9: b\r\n")},
                      Refusal{"NameInQuotes", get("\"X\": b\r\n")},
                      Refusal{"TlsClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01"s}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    RequestLine, RefusedRequest,
    ::testing::Values(Refusal{"TwoSpacesBeforeTheTarget", line("GET  / HTTP/1.1")},
                      Refusal{"TwoSpacesBehindTheTarget", line("GET /  HTTP/1.1")},
                      Refusal{"SpaceAtTheEnd", line("GET / HTTP/1.1 ")},
                      Refusal{"SpaceAtTheBegin", line(" GET / HTTP/1.1")},
                      Refusal{"TabForSpace", line("GET\t/ HTTP/1.1")},
                      Refusal{"TabBehindTheTarget", line("GET /\tHTTP/1.1")},
                      Refusal{"SpaceInTheTarget", line("GET /a b HTTP/1.1")},
                      Refusal{"NoTarget", line("GET HTTP/1.1")},
                      Refusal{"NoVersion", line("GET /")}, Refusal{"Http09", "GET /\r\n"},
                      Refusal{"LowerCaseVersion", line("GET / http/1.1")},
                      Refusal{"VersionWithTwoDigits", line("GET / HTTP/1.10")},
                      Refusal{"VersionWithoutMinor", line("GET / HTTP/1")},
                      Refusal{"VersionWithZero", line("GET / HTTP/01.1")},
                      Refusal{"VersionBehindTwoSlashes", line("GET / HTTP//1.1")},
                      Refusal{"Http12", line("GET / HTTP/1.2"), 505},
                      Refusal{"Http09Spelt", line("GET / HTTP/0.9"), 505},
                      Refusal{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
                      Refusal{"Http3", line("GET / HTTP/3.0"), 505},
                      Refusal{"MethodWithColon", line("GET: / HTTP/1.1")},
                      Refusal{"MethodInBrackets", line("[GET] / HTTP/1.1")},
                      Refusal{"MethodNotAscii", line("G\xc3\x89T / HTTP/1.1")},
                      Refusal{"MethodTooLong", line(std::string(33, 'A') + " / HTTP/1.1"), 501},
                      Refusal{"ThreeEmptyLinesBefore", "\r\n\r\n\r\n" + get("")},
                      Refusal{"BareLfBefore", "\n" + get("")}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    HostAndTarget, RefusedRequest,
    ::testing::Values(
        Refusal{"NoHost", "GET / HTTP/1.1\r\n\r\n"}, Refusal{"TwoHosts", get("Host: b\r\n")},
        Refusal{"TwoEqualHosts", get("Host: a\r\n")},
        Refusal{"TwoHostsInHttp10", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"},
        Refusal{"EmptyHost", host("")}, Refusal{"ListOfHosts", host("a, b")},
        Refusal{"ListOfHostsWithoutSpace", host("a,b")}, Refusal{"HostWithUserinfo", host("u@a")},
        Refusal{"HostWithPath", host("a/b")}, Refusal{"HostWithQuery", host("a?b")},
        Refusal{"HostWithFragment", host("a#b")}, Refusal{"HostWithBackslash", host("a\\b")},
        Refusal{"HostWithSpace", host("a b")}, Refusal{"HostWithTab", host("a\tb")},
        Refusal{"HostNotAscii", host("\xc3\xa9")}, Refusal{"HostWithPercent", host("a%00")},
        Refusal{"HostWithScheme", host("http://a")}, Refusal{"HostWithSignedPort", host("a:+80")},
        Refusal{"HostWithWordAsPort", host("a:http")},
        Refusal{"HostWithPortTooLarge", host("a:65536")},
        Refusal{"HostWithTwoPorts", host("a:80:81")}, Refusal{"HostWithPortOnly", host(":80")},
        Refusal{"HostWithOpenBracket", host("[::1")},
        Refusal{"HostWithNameInBrackets", host("[name]")},
        Refusal{"HostWithMalformedIpv6", host("[::::]")},
        Refusal{"HostWithIpv4InBrackets", host("[1.2.3.4]")},
        Refusal{"HostWithZone", host("[fe80::1%25eth0]")},
        Refusal{"HostWithTextBehindBracket", host("[::1]a")},
        Refusal{"BadHostBesideAbsoluteForm", "GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n"},
        Refusal{"AbsoluteFormWithoutHost", "GET http://a/ HTTP/1.1\r\n\r\n"},
        Refusal{"AbsoluteFormOfAnotherScheme", line("GET ftp://a/ HTTP/1.1")},
        Refusal{"AbsoluteFormWithUserinfo", line("GET http://u:p@a/ HTTP/1.1")},
        Refusal{"AbsoluteFormWithoutAuthority", line("GET http:///x HTTP/1.1")},
        Refusal{"AbsoluteFormWithoutSlashes", line("GET http:a HTTP/1.1")},
        Refusal{"AsteriskOutsideOptions", line("GET * HTTP/1.1")},
        Refusal{"AuthorityFormOutsideConnect", line("GET a:80 HTTP/1.1")},
        Refusal{"OriginFormWithConnect", line("CONNECT /x HTTP/1.1")},
        Refusal{"ConnectWithoutPort", line("CONNECT a1 HTTP/1.1")},
        Refusal{"RelativePath", line("GET x/y HTTP/1.1")},
        Refusal{"Fragment", line("GET /a#b HTTP/1.1")},
        Refusal{"Backslash", line("GET /a\\b HTTP/1.1")},
        Refusal{"TargetNotAscii", line("GET /\xc3\xa9 HTTP/1.1")},
        Refusal{"ControlInTarget", line("GET /\x01 HTTP/1.1")},
        Refusal{"NulInTarget", line("GET /\0 HTTP/1.1"s)},
        Refusal{"DelInTarget", line("GET /\x7f HTTP/1.1")},
        Refusal{"UnknownExpectation", get("Expect: tea\r\n"), 417},
        Refusal{"TwoExpectations", get("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 417}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Chunks, RefusedRequest,
    ::testing::Values(
        Refusal{"SignedSize", chunks("+5\r\nhello\r\n0\r\n\r\n")},
        Refusal{"NegativeSize", chunks("-5\r\nhello\r\n0\r\n\r\n")},
        Refusal{"SizeWith0x", chunks("0x5\r\nhello\r\n0\r\n\r\n")},
        Refusal{"EmptySize", chunks("\r\nhello\r\n0\r\n\r\n")},
        Refusal{"SpaceBeforeSize", chunks(" 5\r\nhello\r\n0\r\n\r\n")},
        Refusal{"SpaceBehindSize", chunks("5 \r\nhello\r\n0\r\n\r\n")},
        Refusal{"TabBehindSize", chunks("5\t\r\nhello\r\n0\r\n\r\n")},
        Refusal{"SpaceBeforeExtension", chunks("5 ;a\r\nhello\r\n0\r\n\r\n")},
        Refusal{"UnderscoreInSize", chunks("5_0\r\nhello\r\n0\r\n\r\n")},
        Refusal{"NotHex", chunks("g\r\nhello\r\n0\r\n\r\n")},
        Refusal{"SizeBeyond64Bits", chunks("10000000000000005\r\nhello\r\n0\r\n\r\n")},
        Refusal{"SizeNear64Bits", chunks("fffffffffffffffb\r\nhello\r\n0\r\n\r\n")},
        Refusal{"LfBehindSize", chunks("5\nhello\r\n0\r\n\r\n")},
        Refusal{"CrBehindSize", chunks("5\rhello\r\n0\r\n\r\n")},
        Refusal{"CrCrLfBehindSize", chunks("5\r\r\nhello\r\n0\r\n\r\n")},
        Refusal{"LfBehindData", chunks("5\r\nhello\n0\r\n\r\n")},
        Refusal{"NothingBehindData", chunks("5\r\nhello0\r\n\r\n")},
        Refusal{"GarbageBehindData", chunks("5\r\nhelloXX\r\n0\r\n\r\n")},
        Refusal{"DataLongerThanSize", chunks("4\r\nhello\r\n0\r\n\r\n")},
        Refusal{"LfAtTheEnd", chunks("0\r\n\n")}, Refusal{"LfBehindLastChunk", chunks("0\n\r\n")},
        Refusal{"LfInExtension", chunks("5;a\nhello\r\n0\r\n\r\n")},
        Refusal{"CrInExtension", chunks("5;a\rb\r\nhello\r\n0\r\n\r\n")},
        Refusal{"NulInExtension", chunks("5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"s)},
        Refusal{"ExtensionWithoutName", chunks("5;\r\nhello\r\n0\r\n\r\n")},
        Refusal{"ExtensionWithoutValue", chunks("5;a=\r\nhello\r\n0\r\n\r\n")},
        Refusal{"OpenQuoteInExtension", chunks("5;a=\"b\r\nhello\r\n0\r\n\r\n")},
        Refusal{"ExtensionsTooLong", chunks("5;" + std::string(5000, 'a') + "\r\nhello\r\n")},
        Refusal{"ZerosWithoutEnd", chunks(std::string(5000, '0') + "5\r\nhello\r\n")},
        Refusal{"TrailersTooLong", chunks("0\r\nX: " + std::string(9000, 'a') + "\r\n\r\n"), 431},
        Refusal{"BareLfInTrailers", chunks("0\r\nX: a\nY: b\r\n\r\n")},
        Refusal{"FoldedTrailer", chunks("0\r\nX: a\r\n b\r\n\r\n")},
        Refusal{"TrailerWithSpaceBeforeColon", chunks("0\r\nX : a\r\n\r\n")},
        Refusal{"TrailerWithoutColon", chunks("0\r\nGET / HTTP/1.1\r\n\r\n")}),
    row_name);

std::string many_fields(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) {
    fields += "X: y\r\n";
  }
  return fields;
}

TEST(RequestDecoder, RefusesTooManyFieldsWith431) {
  EXPECT_EQ(decode_requests(get(many_fields(99))).status, 0);
  EXPECT_EQ(decode_requests(get(many_fields(100))).status, 431);
}

TEST(RequestDecoder, RefusesALargeHeadWith431WhereverItIsCut) {
  const Limits limits{.head_bytes = 100};
  const std::string fits = get("X: " + std::string(100 - get("X: \r\n").size(), 'a') + "\r\n");
  const std::string large = get("X: " + std::string(101 - get("X: \r\n").size(), 'a') + "\r\n");
  ASSERT_EQ(fits.size(), 100U);
  EXPECT_EQ(decode_requests(fits, {}, limits).status, 0);
  EXPECT_EQ(decode_requests(large, {}, limits).status, 431);
  for_each_split(large.size(), [&](const std::vector<std::size_t>& cuts) {
    EXPECT_EQ(decode_requests(fits, cuts, limits).status, 0);
    EXPECT_EQ(decode_requests(large, cuts, limits).status, 431);
  });
}

TEST(RequestDecoder, RefusesALongTargetWith414BeforeItsLineEnds) {
  const Limits limits{.target_bytes = 16};
  EXPECT_EQ(decode_requests(line("GET /" + std::string(15, 'a') + " HTTP/1.1"), {}, limits).status,
            0);
  EXPECT_EQ(decode_requests(line("GET /" + std::string(16, 'a') + " HTTP/1.1"), {}, limits).status,
            414);
  EXPECT_EQ(decode_requests("GET /" + std::string(100, 'a'), {}, limits).status, 414);
}

struct Accepted {
  const char* name;
  std::string bytes;
  std::string transcript;
};

void PrintTo(const Accepted& row, std::ostream* out) {
  *out << row.name;
}

class AcceptedRequest : public ::testing::TestWithParam<Accepted> {};

TEST_P(AcceptedRequest, IsReadTheSameHoweverItIsCut) {
  const std::string whole = decode_requests(GetParam().bytes).transcript;
  EXPECT_EQ(whole, GetParam().transcript);
  for_each_split(GetParam().bytes.size(), [&](const std::vector<std::size_t>& cuts) {
    EXPECT_EQ(decode_requests(GetParam().bytes, cuts).transcript, whole)
        << "cut at " << cuts.front();
  });
}

const std::string kNoBody = "body \ntrailers no body\n";

INSTANTIATE_TEST_SUITE_P(
    Requests, AcceptedRequest,
    ::testing::Values(
        Accepted{"Plain", "GET /a?b HTTP/1.1\r\nHost: a.b:80\r\nX:y\r\n\r\n",
                 "request GET [/a?b] [a.b:80] 1.1 framing 0 0 keep upgrade[]\n"
                 "  Host: a.b:80\n  X: y\n" +
                     kNoBody},
        Accepted{"TwoEmptyLinesBefore", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                 "request GET [/] [a] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n" + kNoBody},
        Accepted{
            "SpacesAroundTheValue", get("X: \t y z\t \r\n"),
            "request GET [/] [a] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n  X: y z\n" + kNoBody},
        Accepted{"EmptyValueAndObsText", get("X:\r\nY: \xc3\xa9\r\n"),
                 "request GET [/] [a] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n  X: \n"
                 "  Y: \xc3\xa9\n" +
                     kNoBody},
        Accepted{"NamesWithUnderscoreAreLeftOut",
                 get("Content_Length: 5\r\nTransfer_Encoding: chunked\r\nX_Y: z\r\n"),
                 "request GET [/] [a] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n" + kNoBody},
        Accepted{"Http10Closes", "GET / HTTP/1.0\r\n\r\n",
                 "request GET [/] [] 1.0 framing 0 0 close upgrade[]\n" + kNoBody},
        Accepted{"Http10KeepsWhenAsked", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
                 "request GET [/] [] 1.0 framing 0 0 keep upgrade[]\n  Connection: Keep-Alive\n" +
                     kNoBody},
        Accepted{"CloseBeatsKeepAlive", get("Connection: keep-alive, close\r\n"),
                 "request GET [/] [a] 1.1 framing 0 0 close upgrade[]\n  Host: a\n"
                 "  Connection: keep-alive, close\n" +
                     kNoBody},
        Accepted{"AbsoluteFormBeatsHost", "GET HTTP://b:8/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
                 "request GET [/x?y] [b:8] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n" + kNoBody},
        Accepted{"AbsoluteFormWithoutPath", line("GET https://b HTTP/1.1"),
                 "request GET [/] [b] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n" + kNoBody},
        Accepted{"AbsoluteFormWithQueryOnly", line("GET http://b?q HTTP/1.1"),
                 "request GET [/?q] [b] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n" + kNoBody},
        Accepted{"OptionsOfTheServer", line("OPTIONS * HTTP/1.1"),
                 "request OPTIONS [*] [a] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n" + kNoBody},
        Accepted{"OptionsOfTheServerInAbsoluteForm", line("OPTIONS http://b HTTP/1.1"),
                 "request OPTIONS [*] [b] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n" + kNoBody},
        Accepted{"Connect", line("CONNECT b:443 HTTP/1.1"),
                 "request CONNECT [b:443] [b:443] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n" +
                     kNoBody},
        Accepted{"Ipv6Host", host("[2001:db8::1]:8080"),
                 "request GET [/] [[2001:db8::1]:8080] 1.1 framing 0 0 keep upgrade[]\n"
                 "  Host: [2001:db8::1]:8080\n" +
                     kNoBody},
        Accepted{"PrintableCharactersThatBrowsersSend", line("GET /a|b{\"}?\\^` HTTP/1.1"),
                 "request GET [/a|b{\"}?\\^`] [a] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n" +
                     kNoBody},
        Accepted{"UnknownMethod", line("brew / HTTP/1.1"),
                 "request brew [/] [a] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n" + kNoBody},
        Accepted{"TrailersWanted", get("TE: gzip;q=0.5, trailers\r\n"),
                 "request GET [/] [a] 1.1 framing 0 0 keep trailers upgrade[]\n  Host: a\n"
                 "  TE: gzip;q=0.5, trailers\n" +
                     kNoBody},
        Accepted{"WebSocket", get("Connection: Upgrade\r\nUpgrade: websocket\r\n"),
                 "request GET [/] [a] 1.1 framing 0 0 keep upgrade[websocket]\n  Host: a\n"
                 "  Connection: Upgrade\n  Upgrade: websocket\n" +
                     kNoBody},
        Accepted{"UpgradeNotNamedByConnection", get("Upgrade: websocket\r\n"),
                 "request GET [/] [a] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n"
                 "  Upgrade: websocket\n" +
                     kNoBody},
        Accepted{"UpgradeToH2c", get("Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"),
                 "request GET [/] [a] 1.1 framing 0 0 keep upgrade[]\n  Host: a\n"
                 "  Connection: Upgrade\n  Upgrade: websocket, h2c\n" +
                     kNoBody}),
    [](const auto& info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Bodies, AcceptedRequest,
    ::testing::Values(
        Accepted{"Length", post("content-length: 005\r\n"),
                 "request POST [/] [a] 1.1 framing 1 5 keep upgrade[]\n  Host: a\n"
                 "  content-length: 005\nbody hello\ntrailers end\n"},
        Accepted{"LengthZero", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
                 "request POST [/] [a] 1.1 framing 1 0 keep upgrade[]\n  Host: a\n"
                 "  Content-Length: 0\n" +
                     kNoBody},
        Accepted{"Expectation", post("Content-Length: 5\r\nExpect: 100-Continue\r\n"),
                 "request POST [/] [a] 1.1 framing 1 5 keep expect upgrade[]\n  Host: a\n"
                 "  Content-Length: 5\n  Expect: 100-Continue\nbody hello\ntrailers end\n"},
        Accepted{"ChunksOfAnyCase",
                 "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
                 "5;a;b=c; d = \"e\\\" ;\" ;f\r\nhello\r\n0000A\r\n0123456789\r\n00\r\n\r\n",
                 "request POST [/] [a] 1.1 framing 2 0 keep upgrade[]\n  Host: a\n"
                 "  Transfer-Encoding: CHUNKED\nbody hello0123456789\ntrailers end\n"},
        Accepted{"TrailersThatMeanNothingHere",
                 chunks("1\r\nx\r\n0\r\nGrpc-Status: 0\r\nHost: b\r\nX-Forwarded-For: 1\r\n"
                        "Authorization: x\r\nConnection: x\r\nX_Y: z\r\nX-Original-URL: /\r\n"
                        "ssl-client-verify: SUCCESS\r\nContent-Encoding: gzip\r\n\r\n"),
                 "request POST [/] [a] 1.1 framing 2 0 keep upgrade[]\n  Host: a\n"
                 "  Transfer-Encoding: chunked\nbody x\ntrailers Grpc-Status: 0\nend\n"},
        Accepted{"PipelinedBehindABodySentWithGet",
                 "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                 "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
                 "request GET [/] [a] 1.1 framing 1 5 keep upgrade[]\n  Host: a\n"
                 "  Content-Length: 5\nbody hello\ntrailers end\n"
                 "request GET [/2] [b] 1.1 framing 0 0 keep upgrade[]\n  Host: b\n" +
                     kNoBody}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(RequestDecoder, IsNotCompleteBeforeItsHead) {
  RequestDecoder decoder(Limits{});
  EXPECT_FALSE(decoder.message_complete());
  const std::string bytes = get("");
  EXPECT_EQ(decoder.feed_head(bytes), bytes.size());
  EXPECT_TRUE(decoder.message_complete());
  decoder.next_message();
  EXPECT_FALSE(decoder.message_complete());
}

TEST(RequestDecoder, ServesAnotherConnectionAfterARefusal) {
  RequestDecoder decoder(Limits{});
  const std::string bad = "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n";
  EXPECT_FALSE(decoder.feed_head(bad));
  decoder.next_message();
  const std::string good = get("");
  EXPECT_EQ(decoder.feed_head(good), good.size());
  EXPECT_EQ(decoder.head().fields.size(), 1U);
}

}  // namespace
}  // namespace portico::http
