#include "controller/kube/api/dial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/kube/api/client_tls.h"
#include "controller/kube/api/http_client.h"
#include "controller/kube/api/testing/client_fixture.h"
#include "controller/kube/testing/fake_dns_server.h"
#include "tls/certificate_store.h"
#include "tls/server_context.h"
#include "tls/testing/certificates.h"

namespace portico::kube {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = ApiFailure::Kind;

class DialTest : public ClientFixture {
 protected:
  // The server speaks TLS with a certificate for `names`, which access_ trusts.
  void serve_tls(const std::vector<std::string>& names) {
    const auto spec = tls::testing::make_certificate({.names = names});
    server_.serve_tls(*tls::ServerContext::create({}, nullptr),
                      std::make_shared<const tls::CertificateStore>(spec));
    access_.authority = {.bytes = spec->chain_pem, .named = "config: certificate-authority-data"};
    access_.server = "https://" + authority();
  }
  std::string fail() {
    const Answer answer = ask({});
    EXPECT_EQ(answer.response.status, 0);
    kind_ = answer.failure.kind;
    return answer.failure.message;
  }

  Kind kind_{};
};

TEST_F(DialTest, SpeaksTlsToAnAddress) {
  serve_tls({"127.0.0.1"});
  open();
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_EQ(server_.connections.size(), 1U);
  EXPECT_EQ(client_->server(), access_.server);
}

TEST_F(DialTest, SaysWhyACertificateIsRefused) {
  serve_tls({"kubernetes.default.svc"});
  open();
  EXPECT_EQ(fail(),
            access_.server +
                ": TLS failed: the certificate is for kubernetes.default.svc, not for 127.0.0.1");
  EXPECT_EQ(kind_, Kind::kTls);
  access_.tls_server_name = "kubernetes.default.svc";
  open();
  EXPECT_EQ(ask({}).response.status, 200);
  access_.authority.bytes = tls::testing::make_certificate({})->chain_pem;
  open();
  EXPECT_THAT(fail(), HasSubstr("is signed by an unknown authority"));
  access_.verify = false;
  open();
  EXPECT_EQ(ask({}).response.status, 200);
}

TEST_F(DialTest, SaysThatTheServerSpeaksPlainHttp) {
  access_.server = "https://" + authority();
  open();
  // A plain server does not understand the ClientHello, and says so in its own way.
  server_.on_request = nullptr;
  const auto call = client_->call({}, [&](auto answer) {
    EXPECT_EQ(answer.error().kind, Kind::kTls);
    EXPECT_THAT(answer.error().message, HasSubstr("does not speak TLS on this port"));
    kind_ = answer.error().kind;
  });
  ASSERT_TRUE(until([&] { return !server_.connections.empty(); }));
  server_.connections[0]->send("HTTP/1.1 400 Bad Request\r\n\r\n");
  ASSERT_TRUE(until([&] { return kind_ == Kind::kTls; }));
}

TEST_F(DialTest, WhatCanBeSeenWithoutTheServerIsSaidAtOnce) {
  const auto problem = [&](const ApiAccess& access) {
    const auto made = open_api_client(loop_, access);
    return made ? "fine" : made.error();
  };
  const auto pair = tls::testing::make_certificate({});
  const Content nonsense{.bytes = "nonsense", .named = "config: certificate-authority-data"};
  EXPECT_EQ(problem({.origin = "config", .server = "tcp://a"}),
            "config: server \"tcp://a\" has scheme \"tcp\"; only http and https are spoken");
  EXPECT_EQ(problem({.origin = "config", .server = "https://a", .proxy = "socks5://b"}),
            "config: proxy \"socks5://b\" has scheme \"socks5\"; only http and https are spoken");
  EXPECT_EQ(problem({.server = "https://a", .authority = nonsense}),
            "config: certificate-authority-data: holds no PEM certificate");
  EXPECT_EQ(problem({.server = "https://a",
                     .user = {.certificate = {.bytes = pair->chain_pem,
                                              .named = "config: client-certificate-data"},
                              .key = {.bytes = "nonsense", .named = "config: client-key-data"}}}),
            "config: client-key-data: holds no PEM private key");
  EXPECT_EQ(
      problem({.server = "https://a",
               .authority = {.file = "/no/ca.crt", .named = "config: certificate-authority"}}),
      "config: certificate-authority: can't read /no/ca.crt: No such file or directory");
}

TEST_F(DialTest, GoesThroughAProxyByConnect) {
  server_.on_request = [](FakeConnection& connection, const FakeRequest& request) {
    connection.send(request.line().starts_with("CONNECT")
                        ? "HTTP/1.1 200 Connection established\r\n\r\n"
                        : fake_answer("{}"));
  };
  access_.server = "http://api.example.com:6443";  // known to the proxy alone
  access_.proxy = "http://me:secret@" + authority();
  open();
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_EQ(ask({}).response.status, 200);
  ASSERT_EQ(server_.requests.size(), 3U);
  EXPECT_EQ(server_.requests[0].head,
            "CONNECT api.example.com:6443 HTTP/1.1\r\nHost: api.example.com:6443\r\n"
            "User-Agent: portico/" PORTICO_VERSION
            "\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n");
  EXPECT_EQ(server_.requests[1].field("Host"), "api.example.com:6443");
}

TEST_F(DialTest, SaysWhatTheProxySays) {
  server_.on_request = [](FakeConnection& connection, const FakeRequest&) {
    connection.send(fake_answer("who?", "407 Proxy Authentication Required"));
  };
  access_.server = "https://api.example.com";
  access_.proxy = "http://" + authority();
  open();
  EXPECT_EQ(fail(),
            "https://api.example.com:443: proxy " + authority() + ": CONNECT is answered with 407");
  server_.on_request = [](FakeConnection& connection, const FakeRequest&) { connection.finish(); };
  EXPECT_THAT(fail(), HasSubstr("the connection ended without an answer to CONNECT"));
  server_.stop();
  EXPECT_EQ(fail(), "https://api.example.com:443: proxy " + authority() + ": connection refused");
}

class NamedServerTest : public ClientFixture {
 protected:
  // Knows the server by a name that the fake DNS server answers.
  void open_by_name(const std::string& name, std::uint16_t port) {
    DialPlan plan{.server = {.is_tls = false, .host = name, .port = port}};
    client_ =
        std::make_unique<HttpApiClient>(loop_, access_, plan,
                                        Credentials::World{.clock = [this] { return loop_.now(); },
                                                           .unix_seconds = [] { return 0; }},
                                        std::vector<std::string>{dns_.address()});
  }

  FakeDnsServer dns_{loop_};
};

TEST_F(NamedServerTest, TriesTheAddressesOfANameInTurn) {
  FakeApiServer server(loop_, "127.0.0.2:0");
  server.on_request = answer_well();
  dns_.records["api.example.com"] = {{"127.0.0.1", "127.0.0.2"}};
  open_by_name("api.example.com", server.address().port());
  EXPECT_EQ(ask({}).response.status, 200);
  server.stop();
  server.close_all();
  const std::string port = std::to_string(server.address().port());
  EXPECT_EQ(ask({}).failure.message, "http://api.example.com:" + port + ": 127.0.0.1:" + port +
                                         ": connection refused; 127.0.0.2:" + port +
                                         ": connection refused");
}

TEST_F(NamedServerTest, ANameWithoutAnAddressIsAFailure) {
  open_by_name("gone.example.com", 443);
  const Answer answer = ask({});
  EXPECT_EQ(answer.failure.kind, Kind::kConnect);
  EXPECT_THAT(
      answer.failure.message,
      StartsWith("http://gone.example.com:443: can't find the address of gone.example.com: "));
}

TEST_F(NamedServerTest, LocalhostIsAskedOfNobody) {
  open_by_name("localhost", server_.address().port());
  EXPECT_EQ(ask({}).response.status, 200);
  EXPECT_TRUE(dns_.asked.empty());
}

TEST(ClientTls, MakesAnotherContextWhenAnAuthorityOrTheCertificateChanges) {
  const TempFolder folder;
  std::chrono::steady_clock::time_point now{1000s};
  const auto one = tls::testing::make_certificate({});
  const auto two = tls::testing::make_certificate({});
  const std::string file = folder.write("ca.crt", one->chain_pem);
  ClientTls tls({.authority = {.file = file}}, [&] { return now; });
  Credential credential;
  const auto first = *tls.context(credential);
  EXPECT_EQ(*tls.context(credential), first);
  folder.replace("ca.crt", two->chain_pem);
  EXPECT_EQ(*tls.context(credential), first);
  now += 60s;
  const auto second = *tls.context(credential);
  EXPECT_NE(second, first);
  credential = {
      .certificate_pem = one->chain_pem, .key_pem = one->key_pem, .certificate_version = 1};
  const auto third = *tls.context(credential);
  EXPECT_NE(third, second);
  folder.replace("ca.crt", "half a cert");
  now += 60s;
  EXPECT_EQ(*tls.context(credential), third);  // fail static
}

}  // namespace
}  // namespace portico::kube
