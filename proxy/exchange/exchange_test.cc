#include "proxy/exchange/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/exchange/testing/scene.h"

namespace portico::exchange {
namespace {

using testing::bytes_of;
using testing::ConfigBuilder;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Scene;
using testing::shop;

// ---- the plain path

TEST(Exchange, RelaysARequestAndItsAnswer) {
  Scene scene;
  scene.get("/items?page=2");
  scene.start();
  EXPECT_EQ(scene.backend().head, "GET /items?page=2");
  EXPECT_TRUE(scene.backend().ended);
  EXPECT_TRUE(scene.backend().credit);
  EXPECT_GT(scene.backend().flushes, 0);
  scene.backend().answer(200, "hello");
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_EQ(scene.client.body, "hello");
  EXPECT_TRUE(scene.client.ended);
  EXPECT_FALSE(scene.client.own);
  scene.expect_finished();
}

TEST(Exchange, RecordsWhatHappened) {
  Scene scene;
  scene.post(http::Framing::kLength, 3);
  scene.start();
  scene.exchange.on_request_body(bytes_of("abc"));
  scene.exchange.on_request_end(nullptr);
  scene.backend().answer(201, "hello");
  const auto& record = scene.record();
  EXPECT_EQ(record.method, "POST");
  EXPECT_EQ(record.target, "/");
  EXPECT_EQ(record.host, "shop.example.com");
  EXPECT_EQ(record.scheme, "http");
  EXPECT_EQ(record.request_id.size(), 32U);
  EXPECT_EQ(record.status, 201);
  EXPECT_EQ(record.upstream_status, 201);
  EXPECT_EQ(record.request_bytes, 3U);
  EXPECT_EQ(record.response_bytes, 5U);
  EXPECT_EQ(record.attempts, 1);
  EXPECT_TRUE(record.reused);
  EXPECT_TRUE(record.has_route);
  EXPECT_THAT(record.endpoint, HasSubstr("127.0.0.1:800"));
  EXPECT_EQ(record.reason, "");
}

TEST(Exchange, ServesAgainAfterItIsFinished) {
  Scene scene;
  for (int i = 0; i < 3; ++i) {
    scene.client = {};
    scene.start();
    scene.backend().answer(200, "x");
    EXPECT_EQ(scene.client.finishes, 1);
  }
  EXPECT_EQ(scene.worker.recorder.records.size(), 3U);
}

TEST(Exchange, TakesTurnsBetweenEndpoints) {
  Scene scene;
  for (int i = 0; i < 4; ++i) {
    scene.client = {};
    scene.start();
    scene.backend().answer(200, "x");
  }
  const auto& ports = scene.worker.upstreams.ports;
  EXPECT_NE(ports[0], ports[1]);
  EXPECT_EQ(ports[0], ports[2]);
  EXPECT_EQ(ports[1], ports[3]);
}

TEST(Exchange, PassesTrailersBothWays) {
  Scene scene;
  scene.post(http::Framing::kChunked);
  scene.start();
  http::FieldBlock trailers;
  trailers.add(http::FieldId::kOther, "Checksum", "1");
  scene.exchange.on_request_body(bytes_of("a"));
  scene.exchange.on_request_end(&trailers);
  EXPECT_EQ(scene.backend().body, "a|Checksum=1");
  scene.backend().answer_head(200);
  scene.backend().answer_end(&trailers);
  EXPECT_EQ(scene.client.body, "|Checksum=1");
}

// ---- refusals

struct Refusal {
  std::string name;
  std::function<void(Scene&)> request;
  std::shared_ptr<const Config> config;
  int status;
  std::string reason;
};

class Refusals : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refusals, AreAnsweredHereAndFinished) {
  Scene scene(GetParam().config);
  GetParam().request(scene);
  scene.start();
  EXPECT_EQ(scene.client.status, GetParam().status);
  EXPECT_TRUE(scene.client.own);
  EXPECT_TRUE(scene.client.ended);
  EXPECT_EQ(scene.client.content_length, scene.client.body.size());
  EXPECT_THAT(scene.client.fields, HasSubstr("Server: portico\nDate: "));
  EXPECT_TRUE(scene.worker.upstreams.ports.empty());
  EXPECT_THAT(scene.record().reason, HasSubstr(GetParam().reason));
  EXPECT_EQ(scene.record().endpoint, "");
  EXPECT_EQ(scene.record().response_bytes, scene.client.body.size());
  scene.expect_finished();
}

INSTANTIATE_TEST_SUITE_P(
    Exchange, Refusals,
    ::testing::Values(
        Refusal{"Connect", [](Scene& s) { s.get("a:80", http::Method::kConnect, "CONNECT"); },
                shop(), 405, "method not served"},
        Refusal{"Trace", [](Scene& s) { s.get("/", http::Method::kTrace, "TRACE"); }, shop(), 405,
                "method not served"},
        Refusal{"BadTarget", [](Scene& s) { s.get("/%zz"); }, shop(), 400, ""},
        Refusal{"EscapingTarget", [](Scene& s) { s.get("/../x"); }, shop(), 400, ""},
        Refusal{"UnknownHost", [](Scene& s) { s.head.authority = "other.example.com"; }, shop(),
                404, "no route"},
        Refusal{"UnknownPath", [](Scene& s) { s.get("/x"); },
                ConfigBuilder().backend("b", {8001}).route("shop.example.com", "/api", "b").build(),
                404, "no route"},
        Refusal{"Denied", [](Scene&) {}, shop({.denied_because = "auth-url is not served"}), 503,
                "route denied"},
        Refusal{"DeniedBeforeTheRedirect", [](Scene&) {},
                shop({.force_ssl_redirect = true, .denied_because = "auth-url is not served"}), 503,
                "route denied"},
        Refusal{"BodyTooLarge", [](Scene& s) { s.post(http::Framing::kLength, 1024 * 1024 + 1); },
                shop(), 413, "too large"},
        Refusal{"NoEndpoint", [](Scene&) {},
                ConfigBuilder().backend("b", {}).route("shop.example.com", "/", "b").build(), 503,
                "no ready endpoint"},
        Refusal{"MissingService", [](Scene&) {},
                ConfigBuilder()
                    .backend("b", {8001}, "Service b does not exist")
                    .route("shop.example.com", "/", "b")
                    .build(),
                503, "missing"}),
    [](const auto& info) { return info.param.name; });

TEST(Exchange, AnswersALoadBalancersProbeForHostsThatNoRuleNames) {
  Scene scene(shop());
  scene.get("/healthz");
  scene.head.authority = "10.0.0.7";
  scene.start();
  EXPECT_EQ(scene.client.status, 200);
  EXPECT_EQ(scene.client.body, "");
  scene.expect_finished();
}

TEST(Exchange, ANamedHostsHealthzIsItsOwn) {
  Scene scene(ConfigBuilder().backend("b", {8001}).route("shop.example.com", "/api", "b").build());
  scene.get("/healthz");
  scene.start();
  EXPECT_EQ(scene.client.status, 404);
}

TEST(Exchange, AnswersWhatIsNoRequestWithItsStatus) {
  Scene scene;
  scene.head.clear();
  scene.exchange.refuse(scene.client, scene.head, scene.connection,
                        {.status = 431, .reason = "head too large"});
  EXPECT_EQ(scene.client.status, 431);
  EXPECT_FALSE(scene.record().has_route);
  scene.expect_finished();
}

TEST(Exchange, RefusesHeadRequestsWithoutABody) {
  Scene scene;
  scene.get("/", http::Method::kHead, "HEAD");
  scene.head.authority = "other.example.com";
  scene.start();
  EXPECT_EQ(scene.client.status, 404);
  EXPECT_GT(scene.client.content_length, 0U);
  EXPECT_EQ(scene.client.body, "");
}

TEST(Exchange, TakesABodyOfExactlyTheLimit) {
  Scene scene(shop({.max_body_bytes = 3}));
  scene.post(http::Framing::kLength, 3);
  scene.start();
  scene.exchange.on_request_body(bytes_of("abc"));
  EXPECT_EQ(scene.client.status, 0);
}

TEST(Exchange, StopsAChunkedBodyBeyondTheLimit) {
  Scene scene(shop({.max_body_bytes = 3}));
  scene.post(http::Framing::kChunked);
  scene.start();
  scene.exchange.on_request_body(bytes_of("abc"));
  EXPECT_EQ(scene.client.status, 0);
  scene.exchange.on_request_body(bytes_of("d"));
  EXPECT_EQ(scene.client.status, 413);
  EXPECT_EQ(scene.backend().body, "abc");
  scene.expect_finished();
}

TEST(Exchange, SetsNoLimitWhereItIsZero) {
  Scene scene(shop({.max_body_bytes = 0}));
  scene.post(http::Framing::kLength, std::uint64_t{1} << 40);
  scene.start();
  EXPECT_EQ(scene.client.status, 0);
}

// ---- the redirect to https, as ingress-nginx words it

std::string location_of(Scene& scene) {
  scene.start();
  EXPECT_EQ(scene.client.status, 308);
  scene.expect_finished();
  const auto begin = scene.client.fields.find("Location: ");
  return scene.client.fields.substr(begin, scene.client.fields.find('\n', begin) - begin);
}

struct Move {
  std::string target, location;
};
class Redirects : public ::testing::TestWithParam<Move> {};

TEST_P(Redirects, KeepTheTargetButForOneSlashAtItsEnd) {
  Scene scene(shop({.force_ssl_redirect = true}));
  scene.get(GetParam().target);
  EXPECT_EQ(location_of(scene), "Location: " + GetParam().location);
}
INSTANTIATE_TEST_SUITE_P(Exchange, Redirects,
                         ::testing::Values(Move{"/", "https://shop.example.com"},
                                           Move{"/a/", "https://shop.example.com/a"},
                                           Move{"/a//", "https://shop.example.com/a/"},
                                           Move{"/a?b=c/", "https://shop.example.com/a?b=c"},
                                           Move{"/a/../b%20", "https://shop.example.com/a/../b%20"},
                                           Move{"/a", "https://shop.example.com/a"}));

TEST(Exchange, NamesThePublicPortInARedirectUnlessItIsTheStandardOne) {
  Scene scene(shop({.force_ssl_redirect = true}));
  scene.worker.options.public_https_port = 8443;
  scene.get("/a");
  EXPECT_EQ(location_of(scene), "Location: https://shop.example.com:8443/a");
}

TEST(Exchange, RedirectsWhereTheHostHasACertificate) {
  const auto config = [](bool ssl_redirect) {
    return ConfigBuilder()
        .backend("b", {8001})
        .route("shop.example.com", "/", "b", {.ssl_redirect = ssl_redirect})
        .certificate("shop.example.com")
        .build();
  };
  Scene redirected(config(true));
  redirected.start();
  EXPECT_EQ(redirected.client.status, 308);
  Scene served(config(false));
  served.start();
  EXPECT_EQ(served.client.status, 0);
}

TEST(Exchange, ServesTlsClientsInsteadOfRedirectingThem) {
  Scene scene(shop({.force_ssl_redirect = true}));
  const net::TlsInfo tls;
  scene.connection.tls = &tls;
  scene.start();
  EXPECT_EQ(scene.client.status, 0);
  EXPECT_THAT(scene.backend().fields, HasSubstr("X-Forwarded-Proto: https\n"));
  EXPECT_THAT(scene.backend().fields, HasSubstr("X-Forwarded-Port: 443\n"));
}

TEST(Exchange, CantRedirectWithoutAHost) {
  Scene scene(ConfigBuilder()
                  .backend("b", {8001})
                  .route("", "/", "b", {.force_ssl_redirect = true})
                  .build());
  scene.head.authority.clear();
  scene.start();
  EXPECT_EQ(scene.client.status, 400);
}

// ---- fields

TEST(Exchange, TellsTheBackendAboutTheClient) {
  Scene scene;
  scene.start();
  scene.backend().answer(200, "x");
  EXPECT_EQ(scene.backend().fields,
            "Host: Shop.example.com:8080\nX-Request-ID: " + scene.record().request_id +
                "\nX-Real-IP: 192.0.2.7\nX-Forwarded-For: 192.0.2.7\n"
                "X-Forwarded-Host: Shop.example.com:8080\nX-Forwarded-Port: 80\n"
                "X-Forwarded-Proto: http\nX-Forwarded-Scheme: http\nX-Scheme: http\n");
}

TEST(Exchange, ReplacesWhatClientsClaimAboutThemselves) {
  Scene scene;
  for (const auto* name : {"X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto",
                           "X-Forwarded-Scheme", "X-Scheme", "X-Original-Forwarded-For", "Proxy"}) {
    scene.field(name, "evil");
  }
  scene.start();
  EXPECT_THAT(scene.backend().fields, Not(HasSubstr("evil")));
}

// No proxy in front is trusted: what only such a one may say is dropped.
TEST(Exchange, DropsWhatOnlyAProxyMaySay) {
  Scene scene;
  for (const auto* name :
       {"X-Forwarded-Prefix", "x-forwarded-user", "X-Original-URL", "X-Original-URI",
        "X-Rewrite-URL", "SSL-Client-Verify", "ssl-client-cert", "Forwarded"}) {
    scene.field(name, "evil");
  }
  scene.field("X-Forward", "kept");
  scene.field("X-Originally", "kept too");
  scene.start();
  EXPECT_THAT(scene.backend().fields, Not(HasSubstr("evil")));
  EXPECT_THAT(scene.backend().fields, HasSubstr("X-Forward: kept\nX-Originally: kept too\n"));
}

TEST(Exchange, KeepsAForeignForwardedForToLookAt) {
  Scene scene;
  scene.field("X-Forwarded-For", "203.0.113.1");
  scene.field("X-Forwarded-For", "203.0.113.2");
  scene.start();
  EXPECT_THAT(scene.backend().fields,
              HasSubstr("X-Original-Forwarded-For: 203.0.113.1, 203.0.113.2\n"));
  EXPECT_THAT(scene.backend().fields, HasSubstr("\nX-Forwarded-For: 192.0.2.7\n"));
}

TEST(Exchange, KeepsAHarmlessRequestId) {
  Scene scene;
  scene.field("X-Request-ID", "abc-123");
  scene.start();
  EXPECT_THAT(scene.backend().fields, HasSubstr("X-Request-ID: abc-123\n"));
}

TEST(Exchange, ReplacesARequestIdThatCouldForgeALogLine) {
  Scene scene;
  scene.field("X-Request-ID", "a b");
  scene.start();
  EXPECT_THAT(scene.backend().fields, Not(HasSubstr("a b")));
}

TEST(Exchange, DropsHopByHopFieldsBothWays) {
  Scene scene;
  scene.field("Connection", "close, X-Hop");
  scene.field("X-Hop", "1");
  scene.field("Keep-Alive", "timeout=1");
  scene.field("TE", "trailers");
  scene.field("Cookie", "kept");
  scene.start();
  EXPECT_THAT(scene.backend().fields, HasSubstr("Cookie: kept\n"));
  EXPECT_THAT(scene.backend().fields, Not(HasSubstr("Hop")));
  EXPECT_THAT(scene.backend().fields, Not(HasSubstr("Keep-Alive")));
  EXPECT_THAT(scene.backend().fields, Not(HasSubstr("TE:")));
  scene.backend().answer_head(200, http::Framing::kLength, 0, {},
                              {{"Connection", "X-Hop"}, {"X-Hop", "1"}, {"Set-Cookie", "a=b"}});
  EXPECT_THAT(scene.client.fields, HasSubstr("Set-Cookie: a=b\n"));
  EXPECT_THAT(scene.client.fields, Not(HasSubstr("Hop")));
}

TEST(Exchange, SaysServerForTheBackendAndKeepsItsDate) {
  Scene scene;
  scene.start();
  scene.backend().answer_head(200, http::Framing::kLength, 0, {},
                              {{"Server", "nginx"}, {"Date", "then"}});
  EXPECT_EQ(scene.client.fields, "Server: portico\nDate: then\n");
}

TEST(Exchange, DatesAnAnswerThatHasNone) {
  Scene scene;
  scene.start();
  scene.backend().answer_head(200);
  EXPECT_THAT(scene.client.fields, HasSubstr("Date: "));
  EXPECT_THAT(scene.client.fields, HasSubstr(" GMT\n"));
}

}  // namespace
}  // namespace portico::exchange
