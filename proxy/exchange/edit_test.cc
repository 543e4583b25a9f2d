#include "proxy/exchange/edit.h"

#include <gtest/gtest.h>

#include "proxy/http/h1_decoder.h"

namespace portico::exchange {
namespace {

template <typename Message>
std::string written(const Message& message) {
  std::string out;
  http::HeadWriter head(out);
  message.write_fields(head);
  head.end();
  return out;
}

template <typename Message>
std::string called(const Message& message) {
  std::string out;
  message.for_each_field([&out](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  });
  return out + "\r\n";
}

TEST(OutgoingRequest, IsTheSameWrittenAndByCalls) {
  http::RequestDecoder decoder(http::Limits{});
  const std::string bytes =
      "POST / HTTP/1.1\r\nA: 1\r\nhost: a.test\r\nX-Forwarded-For: 6.6.6.6\r\nB:2\r\nC: 3\r\n"
      "x-forwarded-for: 7.7.7.7\r\nConnection: d, close\r\nD: 4\r\nTE: trailers\r\nProxy: x\r\n"
      "Expect: 100-continue\r\nContent-Length: 5\r\nForwarded: for=x\r\nE: 5\r\nF: 6\r\n\r\n";
  ASSERT_TRUE(decoder.feed_head(bytes));
  const OutgoingRequest request{.authority = "a.test",
                                .fields = &decoder.head().fields,
                                .forwarded = {.client_address = "10.0.0.1",
                                              .host = "a.test",
                                              .port = "80",
                                              .scheme = "http",
                                              .request_id = "id"}};
  EXPECT_EQ(written(request), called(request));
  EXPECT_EQ(
      written(request),
      "Host: a.test\r\nX-Request-ID: id\r\nX-Real-IP: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.1\r\n"
      "X-Forwarded-Host: a.test\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Proto: http\r\n"
      "X-Forwarded-Scheme: http\r\nX-Scheme: http\r\n"
      "X-Original-Forwarded-For: 6.6.6.6, 7.7.7.7\r\n"
      "A: 1\r\nB: 2\r\nC: 3\r\nE: 5\r\nF: 6\r\n\r\n");
}

TEST(OutgoingRequest, OfOurOwnSpeaksForNoClientAndIsTheLast) {
  http::FieldBlock fields;
  fields.add(http::FieldId::kUserAgent, "User-Agent", "portico");
  const OutgoingRequest request{.authority = "a.test", .fields = &fields, .own = true};
  EXPECT_EQ(written(request), "Host: a.test\r\nUser-Agent: portico\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(called(request), "Host: a.test\r\nUser-Agent: portico\r\n\r\n");
}

TEST(OutgoingResponse, IsTheSameWrittenAndByCalls) {
  http::ResponseDecoder decoder(http::Limits{});
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nServer: x\r\nA: 1\r\nContent-Length: 0\r\nSet-Cookie: a\r\n"
      "Set-Cookie: b\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n";
  ASSERT_TRUE(decoder.feed_head(bytes));
  const OutgoingResponse response{.fields = &decoder.head().fields, .date = "today"};
  EXPECT_EQ(written(response), called(response));
  EXPECT_EQ(written(response),
            "Server: portico\r\nDate: today\r\nA: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n");
}

TEST(OutgoingResponse, SaysACookieOfItsOwnBesideTheBackends) {
  http::FieldBlock fields;
  fields.add(http::FieldId::kSetCookie, "Set-Cookie", "a=1");
  const OutgoingResponse response{.fields = &fields, .date = "today", .set_cookie = "b=2"};
  EXPECT_EQ(written(response), called(response));
  EXPECT_EQ(written(response),
            "Server: portico\r\nDate: today\r\nSet-Cookie: b=2\r\nSet-Cookie: a=1\r\n\r\n");
}

TEST(OutgoingResponse, SaysStrictTransportSecurityInsteadOfTheBackend) {
  http::FieldBlock fields;
  fields.add(http::FieldId::kStrictTransportSecurity, "strict-transport-security", "max-age=1");
  const auto said = [&fields](std::string_view own) {
    std::string values;
    const OutgoingResponse response{
        .fields = &fields, .date = "today", .strict_transport_security = own};
    response.for_each_field([&](std::string_view name, std::string_view value) {
      if (http::equals_no_case(name, "Strict-Transport-Security")) {
        values.append(value).append(";");
      }
    });
    return values;
  };
  EXPECT_EQ(said("max-age=2"), "max-age=2;");
  EXPECT_EQ(said(""), "max-age=1;");
}

}  // namespace
}  // namespace portico::exchange
