#include "tls/client_certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tls/self_signed.h"
#include "tls/server_policies.h"
#include "tls/testing/certificates.h"
#include "tls/testing/client.h"
#include "tls/ticket_keys.h"

namespace portico::tls {
namespace {

using routing::HostTls;
using testing::Authority;
using testing::Client;
using testing::ClientOptions;
using testing::shake_hands;
using Result = ClientCertificate::Result;

std::shared_ptr<const ClientTrust> trust(HostTls spec) {
  auto made = ClientTrust::create(std::make_shared<const HostTls>(std::move(spec)));
  EXPECT_TRUE(made) << made.error();
  return made ? *made : nullptr;
}

class Policies final : public ServerPolicies {
 public:
  [[nodiscard]] ServerPolicy find(std::string_view name) const override {
    const auto found = by_name.find(name);
    return found == by_name.end() ? otherwise : found->second;
  }
  std::map<std::string, ServerPolicy, std::less<>> by_name;
  ServerPolicy otherwise;
};

// Made once: each costs a key.
const Authority& authority() {
  static const Authority kAuthority;
  return kAuthority;
}
const Authority& stranger() {
  static const Authority kStranger("stranger");
  return kStranger;
}

class ClientCertificateTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    auto context = ServerContext::create({}, std::make_shared<TicketKeys>());
    ASSERT_TRUE(context);
    context_ = *context;
    policies_.by_name["a.example.com"].clients = trust({.authorities_pem = authority().pem()});
  }
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0); }

  // Shakes hands and keeps the engine for the test to look at.
  const ClientCertificate* shown(const std::shared_ptr<const routing::CertificateSpec>& certificate,
                                 const std::string& server_name = "a.example.com",
                                 SSL_SESSION* session = nullptr) {
    engine_ = Engine::server(context_, store_, &policies_);
    client_ = std::make_unique<Client>(ClientOptions{.server_name = server_name,
                                                     .version = GetParam(),
                                                     .session = session,
                                                     .certificate = certificate});
    EXPECT_TRUE(shake_hands(*engine_, *client_)) << engine_->failure();
    return engine_->client_certificate();
  }
  // What a client with that certificate is told.
  std::string verdict(const std::shared_ptr<const routing::CertificateSpec>& certificate) {
    const auto* seen = shown(certificate);
    return seen == nullptr ? "not asked" : seen->verdict();
  }

  std::shared_ptr<const ServerContext> context_;
  std::shared_ptr<const CertificateStore> store_ =
      std::make_shared<const CertificateStore>(make_self_signed());
  Policies policies_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Client> client_;
};

INSTANTIATE_TEST_SUITE_P(Versions, ClientCertificateTest,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), [](const auto& row) {
                           return row.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(ClientCertificateTest, IsAskedForByTheServerNamesThatWantIt) {
  const auto certificate = authority().issue({.common_name = "alice"});
  EXPECT_EQ(shown(certificate, "b.example.com"), nullptr);
  const auto* seen = shown(certificate);
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->result(), Result::kGood);
  EXPECT_EQ(seen->verdict(), "SUCCESS");
  EXPECT_EQ(seen->subject(), "CN=alice");
  EXPECT_EQ(seen->issuer(), "CN=authority");
  EXPECT_EQ(seen->judged_by().authorities_pem, authority().pem());
}

TEST_P(ClientCertificateTest, NoneIsNoFailure) {
  const auto* seen = shown(nullptr);
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->result(), Result::kNone);
  EXPECT_EQ(seen->verdict(), "NONE");
  EXPECT_EQ(seen->subject() + seen->issuer() + seen->escaped_pem(), "");
}

TEST_P(ClientCertificateTest, ABadOneIsSaidToBeBadAndShakesHands) {
  const Authority intermediate("intermediate", &authority());
  const Authority lower("lower", &intermediate);
  struct Row {
    const char* name;
    std::shared_ptr<const routing::CertificateSpec> certificate;
    Result result;
    const char* verdict;
  };
  for (const auto& row : {
           Row{"of an unknown authority", stranger().issue({}), Result::kUnknownIssuer,
               "FAILED:unable to verify the first certificate"},
           Row{"signed by itself", testing::make_certificate({}), Result::kUnknownIssuer,
               "FAILED:self-signed certificate"},
           Row{"expired", authority().issue({.begins_in_days = -2, .ends_in_days = -1}),
               Result::kBad, "FAILED:certificate has expired"},
           Row{"of tomorrow", authority().issue({.begins_in_days = 1}), Result::kBad,
               "FAILED:certificate is not yet valid"},
           Row{"one authority between", intermediate.issue({}), Result::kGood, "SUCCESS"},
           Row{"two authorities between", lower.issue({}), Result::kUnknownIssuer,
               "FAILED:unable to get local issuer certificate"},
       }) {
    const auto* seen = shown(row.certificate);
    ASSERT_NE(seen, nullptr) << row.name;
    EXPECT_EQ(seen->result(), row.result) << row.name;
    EXPECT_EQ(seen->verdict(), row.verdict) << row.name;
  }
}

TEST_P(ClientCertificateTest, CountsAuthoritiesBetweenByTheDepth) {
  const Authority intermediate("intermediate", &authority());
  const Authority lower("lower", &intermediate);
  policies_.by_name["a.example.com"].clients =
      trust({.authorities_pem = authority().pem(), .verify_depth = 2});
  EXPECT_EQ(verdict(lower.issue({})), "SUCCESS");
}

TEST_P(ClientCertificateTest, IsLookedUpInTheRevocations) {
  auto& clients = policies_.by_name["a.example.com"].clients;
  const auto with = [](std::string list) {
    return trust({.authorities_pem = authority().pem(), .revocations_pem = std::move(list)});
  };
  const auto certificate = authority().issue({});
  clients = with(authority().revocations(false));
  EXPECT_EQ(verdict(certificate), "SUCCESS");
  clients = with(authority().revocations(true));
  EXPECT_EQ(verdict(certificate), "FAILED:certificate revoked");
  EXPECT_EQ(engine_->client_certificate()->result(), Result::kBad);
  clients = with(authority().revocations(false, -1));
  EXPECT_EQ(verdict(certificate), "FAILED:CRL has expired");
  clients = with(stranger().revocations(false));
  EXPECT_EQ(verdict(certificate), "FAILED:unable to get certificate CRL");
}

TEST_P(ClientCertificateTest, NamesAreEscapedAndThePemIsToo) {
  const auto* seen = shown(authority().issue({.common_name = "a,b\r\nX: \xc3\xa9"}));
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->subject(), "CN=a\\,b\\0D\\0AX: \\C3\\A9");
  const auto& pem = seen->escaped_pem();
  EXPECT_TRUE(pem.starts_with("-----BEGIN%20CERTIFICATE-----%0A")) << pem;
  EXPECT_TRUE(pem.ends_with("-----END%20CERTIFICATE-----%0A")) << pem;
  EXPECT_EQ(pem.find_first_of("+/= \n"), std::string::npos);
}

TEST_P(ClientCertificateTest, IsKnownAgainWhenTheSessionIsResumed) {
  const auto certificate = authority().issue({.common_name = "alice"});
  ASSERT_NE(shown(certificate), nullptr);
  const auto session = client_->session();
  const auto* seen = shown(certificate, "a.example.com", session.get());
  ASSERT_TRUE(engine_->resumed());
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->verdict(), "SUCCESS");
  EXPECT_EQ(seen->subject(), "CN=alice");
}

TEST_P(ClientCertificateTest, ABadOneStaysBadWhenTheSessionIsResumed) {
  ASSERT_NE(shown(stranger().issue({})), nullptr);
  const auto session = client_->session();
  const auto* seen = shown(nullptr, "a.example.com", session.get());
  ASSERT_NE(seen, nullptr);
  EXPECT_NE(seen->result(), Result::kGood);
}

TEST_P(ClientCertificateTest, NoSessionIsResumedUnderOtherAuthorities) {
  const auto certificate = authority().issue({});
  ASSERT_NE(shown(certificate), nullptr);
  const auto session = client_->session();
  auto& clients = policies_.by_name["a.example.com"].clients;
  for (const auto& other : {trust({.authorities_pem = stranger().pem()}),
                            trust({.authorities_pem = authority().pem(), .verify_depth = 2}),
                            trust({.authorities_pem = authority().pem(),
                                   .revocations_pem = authority().revocations(false)}),
                            std::shared_ptr<const ClientTrust>()}) {
    clients = other;
    shown(certificate, "a.example.com", session.get());
    EXPECT_FALSE(engine_->resumed());
  }
}

TEST_P(ClientCertificateTest, NoSessionWithoutACertificateIsResumedWhereOneIsAskedFor) {
  auto& clients = policies_.by_name["a.example.com"].clients;
  const auto asks = std::exchange(clients, nullptr);
  ASSERT_EQ(shown(nullptr), nullptr);
  const auto session = client_->session();
  clients = asks;
  ASSERT_NE(shown(nullptr, "a.example.com", session.get()), nullptr);
  EXPECT_FALSE(engine_->resumed());
}

TEST_P(ClientCertificateTest, NoSessionIsResumedUnderAnotherNameWithTheSameAuthorities) {
  policies_.by_name["b.example.com"] = policies_.by_name["a.example.com"];
  ASSERT_NE(shown(authority().issue({})), nullptr);
  const auto session = client_->session();
  shown(nullptr, "b.example.com", session.get());
  EXPECT_FALSE(engine_->resumed());
}

TEST_P(ClientCertificateTest, ACertificateThatIsTooLongFailsTheHandshake) {
  testing::CertificateRequest request;
  for (int i = 0; i < 2000; ++i) {
    request.names.push_back("name-" + std::to_string(i) + ".example.com");
  }
  engine_ = Engine::server(context_, store_, &policies_);
  Client client({.version = GetParam(), .certificate = authority().issue(request)});
  EXPECT_FALSE(shake_hands(*engine_, client));
  EXPECT_EQ(engine_->failure(), "excessive message size");
}

TEST_P(ClientCertificateTest, ANameThatIsRefusedIsUnrecognized) {
  policies_.by_name["c.example.com"].is_refused = true;
  engine_ = Engine::server(context_, store_, &policies_);
  Client client({.server_name = "c.example.com", .version = GetParam()});
  EXPECT_FALSE(shake_hands(*engine_, client));
  EXPECT_EQ(engine_->sni(), "c.example.com");
}

// Settings that switch tickets off may come between a connection and its hello.
TEST_P(ClientCertificateTest, TicketsAreTheFirstContextsWhateverANamesOwnContextHas) {
  policies_.by_name["a.example.com"].context = *ServerContext::create({}, nullptr);
  shown(nullptr);
  const auto session = client_->session();
  ASSERT_NE(session, nullptr);
  shown(nullptr, "a.example.com", session.get());
  EXPECT_TRUE(engine_->resumed());
}

TEST_P(ClientCertificateTest, WithoutTicketsANamesOwnContextGivesNone) {
  context_ = *ServerContext::create({}, nullptr);
  policies_.by_name["a.example.com"].context =
      *ServerContext::create({}, std::make_shared<TicketKeys>());
  shown(nullptr);
  const auto session = client_->session();
  shown(nullptr, "a.example.com", session.get());
  EXPECT_FALSE(engine_->resumed());
}

TEST(ClientTrust, SaysWhichEntryIsBad) {
  struct Row {
    std::string authorities;
    std::string revocations;
    const char* problem;
  };
  const auto& good = authority().pem();
  for (const auto& row : {Row{"nonsense", "", "ca.crt holds no PEM certificate"},
                          Row{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "",
                              "ca.crt: certificate 1 is malformed"},
                          Row{good + "-----BEGIN CERTIFICATE-----\nAAAA\n", "",
                              "ca.crt: what follows certificate 1 is malformed"},
                          Row{good, "nonsense", "ca.crl holds no PEM CRL"},
                          Row{good, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
                              "ca.crl: CRL 1 is malformed"}}) {
    const auto made = ClientTrust::create(std::make_shared<const HostTls>(
        HostTls{.authorities_pem = row.authorities, .revocations_pem = row.revocations}));
    ASSERT_FALSE(made) << row.problem;
    EXPECT_EQ(made.error(), row.problem);
  }
}

}  // namespace
}  // namespace portico::tls
