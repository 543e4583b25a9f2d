#include "proxy/server/log_format.h"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace portico::server {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::system_clock::time_point kNow{std::chrono::seconds(784'111'777)};

struct Sample {
  Sample() {
    auto spec = std::make_shared<routing::RouteSpec>();
    spec->backend = "default/web:80";
    spec->origin = {.namespace_ = "default", .name = "shop"};
    route.spec = std::move(spec);
    record = {.method = "GET",
              .target = "/a?b=\"c",
              .host = "shop.example.com",
              .scheme = "https",
              .user_agent = "curl/8",
              .referer = "",
              .request_id = "0123456789abcdef",
              .status = 200,
              .upstream_status = 200,
              .request_head_bytes = 100,
              .request_bytes = 11,
              .response_bytes = 1234,
              .duration = 12'345us,
              .upstream_duration = 10ms,
              .client = *net::SocketAddress::parse("192.0.2.7:40000"),
              .endpoint = &endpoint,
              .route = &route,
              .attempts = 1};
  }
  [[nodiscard]] std::string json() const {
    std::string line;
    append_json_line(line, record, kNow);
    return line;
  }
  [[nodiscard]] std::string nginx() const {
    std::string line;
    append_nginx_line(line, record, kNow);
    return line;
  }
  net::SocketAddress endpoint = *net::SocketAddress::parse("10.0.0.1:8080");
  routing::Route route;
  exchange::Record record;
};

TEST(LogFormat, WritesJson) {
  EXPECT_EQ(Sample().json(),
            "{\"time\":\"1994-11-06T08:49:37Z\",\"status\":200,\"client\":\"192.0.2.7\","
            "\"method\":\"GET\",\"scheme\":\"https\",\"host\":\"shop.example.com\","
            "\"target\":\"/a?b=\\\"c\",\"protocol\":\"HTTP/1.1\",\"request_bytes\":11,"
            "\"response_bytes\":1234,\"duration_seconds\":0.012345,\"attempts\":1,"
            "\"namespace\":\"default\",\"ingress\":\"shop\",\"backend\":\"default/web:80\","
            "\"endpoint\":\"10.0.0.1:8080\",\"upstream_status\":200,"
            "\"upstream_seconds\":0.010000,\"user_agent\":\"curl/8\",\"referer\":\"\","
            "\"request_id\":\"0123456789abcdef\"}\n");
}

TEST(LogFormat, WritesWhatIngressNginxWrites) {
  EXPECT_EQ(Sample().nginx(),
            "192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] \"GET /a?b=\\x22c HTTP/1.1\" 200 1234 "
            "\"-\" \"curl/8\" 111 0.012 [default-web-80] [] 10.0.0.1:8080 1234 0.010 200 "
            "0123456789abcdef\n");
}

TEST(LogFormat, ShowsThatAnOwnAnswerToAGrpcClientIsAnError) {
  Sample sample;
  sample.record.meant_status = 503;
  sample.record.reason = "no ready endpoint";
  const auto json = boost::json::parse(sample.json());
  EXPECT_EQ(json.at("status"), 200);
  EXPECT_EQ(json.at("grpc_status"), 14);
  EXPECT_EQ(json.at("reason"), "no ready endpoint");
  EXPECT_NE(sample.nginx().find("HTTP/1.1\" 503 1234 "), std::string::npos);
}

TEST(LogFormat, DashesWhatThereWasNot) {
  Sample sample;
  sample.record = {.request_id = "1", .status = 400, .reason = "no Host field"};
  EXPECT_EQ(sample.nginx(),
            "0.0.0.0 - - [06/Nov/1994:08:49:37 +0000] \"\" 400 0 \"-\" \"-\" 0 0.000 [] [] "
            "- - - - 1\n");
  const auto json = boost::json::parse(sample.json());
  EXPECT_EQ(json.at("reason"), "no Host field");
  EXPECT_FALSE(json.as_object().contains("endpoint"));
}

TEST(LogFormat, SaysThatAnEndpointGaveNoAnswer) {
  Sample sample;
  sample.record.status = 502;
  sample.record.upstream_status = 0;
  EXPECT_NE(sample.nginx().find(" 10.0.0.1:8080 0 0.010 - "), std::string::npos);
}

TEST(LogFormat, LetsNoByteBreakALine) {
  std::string every;
  for (int c = 0; c < 256; ++c) {
    every.push_back(static_cast<char>(c));
  }
  Sample sample;
  sample.record.user_agent = every;
  sample.record.target = every;
  const auto nginx = sample.nginx();
  EXPECT_EQ(nginx.find('\n'), nginx.size() - 1);
  EXPECT_EQ(std::ranges::count(nginx, '"'), 6);
  EXPECT_NE(nginx.find("\\x0A"), std::string::npos);
  const auto json = sample.json();
  EXPECT_EQ(json.find('\n'), json.size() - 1);
  const auto parsed = boost::json::parse(json);
  EXPECT_TRUE(parsed.at("user_agent").as_string().starts_with(std::string_view("\0\1\2", 3)));
}

}  // namespace
}  // namespace portico::server
