#include "tls/engine.h"

#include <thread>

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tls/self_signed.h"
#include "tls/server_context.h"
#include "tls/testing/certificates.h"
#include "tls/testing/client.h"
#include "tls/ticket_keys.h"

namespace portico::tls {
namespace {

using testing::Client;
using testing::ClientOptions;
using testing::deliver;
using testing::make_certificate;
using testing::shake_hands;
using testing::take_output;

std::shared_ptr<const ServerContext> make_context(
    const ServerOptions& options = {},
    std::shared_ptr<TicketKeys> keys = std::make_shared<TicketKeys>()) {
  auto context = ServerContext::create(options, std::move(keys));
  EXPECT_TRUE(context) << context.error();
  return *context;
}

// Made once: RSA keys take their time.
std::shared_ptr<const CertificateStore> sample_store() {
  static const auto kExact =
      make_certificate({.common_name = "exact", .names = {}, .intermediates = 1});
  static const auto kWildcard =
      make_certificate({.common_name = "wildcard", .names = {}, .key = testing::KeyKind::kRsa2048});
  auto store = std::make_shared<CertificateStore>(make_self_signed());
  store->set("a.example.com", kExact);
  store->set("*.example.com", kWildcard);
  return store;
}

// Every test runs under each version of TLS.
class EngineTest : public ::testing::TestWithParam<int> {
 protected:
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0); }

  std::unique_ptr<Engine> engine() { return Engine::server(context_, store_); }
  ClientOptions options(std::string server_name = "a.example.com", SSL_SESSION* session = nullptr) {
    return {.server_name = std::move(server_name), .version = GetParam(), .session = session};
  }

  std::shared_ptr<const ServerContext> context_ = make_context();
  std::shared_ptr<const CertificateStore> store_ = sample_store();
};

INSTANTIATE_TEST_SUITE_P(Versions, EngineTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& row) {
                           return row.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(EngineTest, ShakesHandsAndTellsWhatWasAgreed) {
  auto server = engine();
  Client client(options("A.Example.com"));
  EXPECT_EQ(server->protocol(), "");
  ASSERT_TRUE(shake_hands(*server, client)) << server->failure();
  EXPECT_EQ(server->protocol(), GetParam() == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
  EXPECT_EQ(server->sni(), "a.example.com");
  EXPECT_EQ(server->alpn(), "");
  EXPECT_EQ(server->cipher(), SSL_get_cipher(client.ssl()));
  EXPECT_FALSE(server->resumed());
  EXPECT_EQ(server->certificate_reason(), CertificateStore::Reason::kName);
  EXPECT_EQ(server->failure(), "");
}

TEST_P(EngineTest, ChoosesTheCipherByItsOwnOrder) {
  auto server = engine();
  Client client(options());
  SSL_set_cipher_list(client.ssl(), "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256");
  SSL_set_ciphersuites(client.ssl(), "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256");
  ASSERT_TRUE(shake_hands(*server, client)) << server->failure();
  EXPECT_EQ(server->cipher(), GetParam() == TLS1_2_VERSION ? "ECDHE-ECDSA-AES128-GCM-SHA256"
                                                           : "TLS_AES_128_GCM_SHA256");
}

TEST_P(EngineTest, AClientThatWantsChaChaFirstHasIt) {
  auto server = engine();
  Client client(options());
  SSL_set_cipher_list(client.ssl(), "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256");
  SSL_set_ciphersuites(client.ssl(), "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
  ASSERT_TRUE(shake_hands(*server, client)) << server->failure();
  EXPECT_EQ(server->cipher(), GetParam() == TLS1_2_VERSION ? "ECDHE-ECDSA-CHACHA20-POLY1305"
                                                           : "TLS_CHACHA20_POLY1305_SHA256");
}

TEST_P(EngineTest, ServesTheCertificateOfTheServerName) {
  struct Row {
    const char* server_name;
    const char* common_name;
    int chain_length;
    CertificateStore::Reason reason;
  };
  using enum CertificateStore::Reason;
  for (const auto& row :
       {Row{"a.example.com", "exact", 2, kName}, Row{"b.example.com", "wildcard", 1, kName},
        Row{"c.d.example.com", "Portico Default Certificate", 1, kDefault},
        Row{"", "Portico Default Certificate", 1, kDefault}}) {
    auto server = engine();
    Client client(options(row.server_name));
    ASSERT_TRUE(shake_hands(*server, client)) << row.server_name << server->failure();
    EXPECT_EQ(client.common_name(), row.common_name);
    EXPECT_EQ(client.chain_length(), row.chain_length);
    EXPECT_EQ(server->certificate_reason(), row.reason);
  }
}

TEST_P(EngineTest, AConnectionKeepsTheStoreOnlyUntilItsHandshakeIsOver) {
  auto server = engine();
  const std::weak_ptr<const CertificateStore> watched = store_;
  store_.reset();
  Client client(options());
  EXPECT_FALSE(watched.expired());
  ASSERT_TRUE(shake_hands(*server, client));
  EXPECT_TRUE(watched.expired());
  server->write(std::string_view("still there"));
  client.receive(take_output(*server));
  EXPECT_EQ(client.read(), "still there");
}

TEST_P(EngineTest, CarriesPlaintextBothWays) {
  auto server = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*server, client));
  client.write("ping");
  EXPECT_EQ(deliver(*server, client.take_output()).plaintext, "ping");
  const auto wrote = server->write(std::string_view("pong"));
  EXPECT_EQ(wrote.status, Status::kOk);
  EXPECT_EQ(wrote.bytes, 4);
  client.receive(take_output(*server));
  EXPECT_EQ(client.read(), "pong");
}

TEST_P(EngineTest, BytesMayComeAndGoOneAtATime) {
  auto server = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*server, client, 1)) << server->failure();
  client.write("ping");
  EXPECT_EQ(deliver(*server, client.take_output(), 1).plaintext, "ping");
  server->write(std::string_view("pong"));
  client.receive(take_output(*server, 1));
  EXPECT_EQ(client.read(), "pong");
  SSL_shutdown(client.ssl());
  EXPECT_EQ(deliver(*server, client.take_output(), 1).status, Status::kClosed);
}

TEST_P(EngineTest, OneReadTakesSeveralRecords) {
  auto server = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*server, client));
  client.write("one ");
  client.write("two ");
  client.write("three");
  const auto ciphertext = client.take_output();
  server->feed(ciphertext);
  std::array<char, 100> buffer;
  const auto progress = server->read(buffer);
  EXPECT_EQ(progress.status, Status::kWantInput);
  EXPECT_EQ(std::string_view(buffer.data(), progress.bytes), "one two three");
  EXPECT_EQ(server->unread(), 0);
}

TEST_P(EngineTest, LeavesUnreadWhatTheReaderHasNoRoomFor) {
  auto server = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*server, client));
  client.write("first");
  const auto first = client.take_output();
  client.write("second");
  const auto second = client.take_output();
  const auto both = first + second;
  server->feed(both);
  std::array<char, 5> buffer;
  EXPECT_EQ(server->read(buffer).status, Status::kOk);
  EXPECT_EQ(server->unread(), second.size());
}

TEST_P(EngineTest, ALargeWriteStopsAtTheBoundAndGoesOnFromAnyBuffer) {
  auto server = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*server, client));
  std::string plaintext(1'000'000, 'x');
  for (std::size_t i = 0; i < plaintext.size(); ++i) {
    plaintext[i] = static_cast<char>('a' + i % 23);
  }
  std::string_view rest = plaintext;
  std::string received;
  while (!rest.empty()) {
    const auto moved = std::make_unique<std::string>(rest.substr(0, 100'000));
    const auto progress = server->write(*moved);
    ASSERT_NE(progress.status, Status::kFailed);
    ASSERT_GT(progress.bytes, 0);
    EXPECT_LE(server->output().size(), 64 * 1024);
    rest.remove_prefix(progress.bytes);
    client.receive(take_output(*server));
    received += client.read();
  }
  EXPECT_EQ(received, plaintext);
}

TEST_P(EngineTest, AFullOutputTakesNothingMoreUntilItIsSent) {
  auto server = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*server, client));
  const std::string plaintext(200'000, 'x');
  const auto first = server->write(plaintext);
  EXPECT_EQ(first.status, Status::kWantOutput);
  EXPECT_GE(first.bytes, 48 * 1024);
  const auto second = server->write(plaintext);
  EXPECT_EQ(second.status, Status::kWantOutput);
  EXPECT_LT(second.bytes, 16 * 1024);
  EXPECT_EQ(server->close_notify(), Status::kOk);  // there is always room for an alert
  client.receive(take_output(*server));
  EXPECT_EQ(client.read().size(), first.bytes + second.bytes);
  EXPECT_TRUE(client.ended());
}

TEST_P(EngineTest, BulkGoesInFullRecords) {
  auto server = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*server, client));
  server->write(std::string(3 * 16 * 1024, 'x'));
  constexpr std::size_t kThreeHeadsAndTags = 3 * 64;
  EXPECT_LE(server->output().size(), 3 * 16 * 1024 + kThreeHeadsAndTags);
}

TEST_P(EngineTest, CloseNotifyIsToldAndSentOnce) {
  auto server = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*server, client));
  client.write("last words");
  SSL_shutdown(client.ssl());
  const auto arrived = deliver(*server, client.take_output());
  EXPECT_EQ(arrived.status, Status::kClosed);
  EXPECT_EQ(arrived.plaintext, "last words");
  server->write(std::string_view("answer"));  // the other direction is still open
  EXPECT_EQ(server->close_notify(), Status::kOk);
  client.receive(take_output(*server));
  EXPECT_EQ(client.read(), "answer");
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(server->close_notify(), Status::kOk);
  EXPECT_TRUE(server->output().empty());
}

TEST_P(EngineTest, ClosingBeforeTheHandshakeIsOverSaysNothing) {
  auto server = engine();
  EXPECT_EQ(server->close_notify(), Status::kOk);
  EXPECT_TRUE(server->output().empty());
}

TEST_P(EngineTest, ADamagedRecordIsAFailureForGood) {
  auto server = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*server, client));
  client.write("ping");
  auto ciphertext = client.take_output();
  ciphertext.back() ^= 1;
  EXPECT_EQ(deliver(*server, ciphertext).status, Status::kFailed);
  EXPECT_EQ(server->failure(), "decryption failed or bad record mac");
  EXPECT_EQ(server->write(std::string_view("x")).status, Status::kFailed);
  EXPECT_EQ(server->handshake(), Status::kFailed);
  EXPECT_EQ(server->close_notify(), Status::kOk);
  client.receive(take_output(*server));
  client.read();
  EXPECT_TRUE(client.failed());  // the alert
}

TEST_P(EngineTest, AgreesOnTheFirstOfOurApplicationProtocols) {
  context_ = make_context({.alpn = {"h2", "http/1.1"}});
  auto server = engine();
  auto both = options();
  both.alpn = {"http/1.1", "h2"};
  Client client(both);
  ASSERT_TRUE(shake_hands(*server, client));
  EXPECT_EQ(server->alpn(), "h2");
}

TEST_P(EngineTest, RefusesAClientThatSpeaksNoneOfOurApplicationProtocols) {
  auto server = engine();
  auto only_h2 = options();
  only_h2.alpn = {"h2"};
  Client client(only_h2);
  EXPECT_FALSE(shake_hands(*server, client));
  EXPECT_EQ(server->failure(), "no application protocol");
}

TEST_P(EngineTest, ATicketUnderUnknownKeysMakesAFullHandshake) {
  auto first = engine();
  Client before(options());
  ASSERT_TRUE(shake_hands(*first, before));
  const auto session = before.session();
  ASSERT_NE(session, nullptr);
  context_ = make_context();  // other keys: a stranger's ticket
  auto stranger = engine();
  Client refused(options("a.example.com", session.get()));
  ASSERT_TRUE(shake_hands(*stranger, refused));
  EXPECT_FALSE(stranger->resumed());
}

TEST_P(EngineTest, ResumesASessionAtAnotherContextOfTheSamePolicyAndKeys) {
  const auto keys = std::make_shared<TicketKeys>();
  context_ = make_context({}, keys);
  auto first = engine();
  Client before(options());
  ASSERT_TRUE(shake_hands(*first, before));
  const auto session = before.session();
  ASSERT_NE(session, nullptr);
  context_ = make_context({}, keys);
  auto second = engine();
  Client after(options("a.example.com", session.get()));
  ASSERT_TRUE(shake_hands(*second, after)) << second->failure();
  EXPECT_TRUE(second->resumed());
  EXPECT_TRUE(SSL_session_reused(after.ssl()));
  EXPECT_EQ(second->certificate_reason(), CertificateStore::Reason::kName);
}

TEST_P(EngineTest, DoesNotResumeUnderAnotherServerNameOrPolicy) {
  const auto keys = std::make_shared<TicketKeys>();
  context_ = make_context({}, keys);
  auto first = engine();
  Client before(options());
  ASSERT_TRUE(shake_hands(*first, before));
  const auto session = before.session();
  auto second = engine();
  Client renamed(options("b.example.com", session.get()));
  ASSERT_TRUE(shake_hands(*second, renamed)) << second->failure();
  EXPECT_FALSE(second->resumed());
  EXPECT_EQ(renamed.common_name(), "wildcard");

  context_ = make_context({.alpn = {"http/1.1", "h2"}}, keys);
  auto third = engine();
  Client elsewhere(options("a.example.com", session.get()));
  shake_hands(*third, elsewhere);
  EXPECT_FALSE(third->resumed());
}

TEST_P(EngineTest, OldTicketsLastOnePeriodAfterARotation) {
  TicketKeys::TimePoint now{std::chrono::hours(1000)};
  const auto keys = std::make_shared<TicketKeys>(std::chrono::hours(8), [&] { return now; });
  context_ = make_context({}, keys);
  const auto resumed_with = [&](SSL_SESSION* session) {
    auto server = engine();
    Client client(options("a.example.com", session));
    EXPECT_TRUE(shake_hands(*server, client));
    return server->resumed();
  };
  auto first = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*first, client));
  const auto session = client.session();
  EXPECT_TRUE(resumed_with(session.get()));
  now += std::chrono::hours(8);
  EXPECT_TRUE(resumed_with(session.get()));
  now += std::chrono::hours(8);
  EXPECT_FALSE(resumed_with(session.get()));
}

TEST_P(EngineTest, WithoutKeysNoSessionIsResumed) {
  context_ = make_context({}, nullptr);
  auto server = engine();
  Client client(options());
  ASSERT_TRUE(shake_hands(*server, client));
  const auto session = client.session();
  auto second = engine();
  Client again(options("a.example.com", session.get()));
  ASSERT_TRUE(shake_hands(*second, again));
  EXPECT_FALSE(second->resumed());
}

TEST_P(EngineTest, PlainHttpIsNamedAsTheFailure) {
  auto server = engine();
  EXPECT_EQ(deliver(*server, "GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n").status,
            Status::kFailed);
  EXPECT_EQ(server->failure(), "http request");
}

TEST(Engine, RefusesTls11) {
  auto server =
      Engine::server(make_context(), std::make_shared<const CertificateStore>(make_self_signed()));
  Client client({.version = TLS1_1_VERSION, .security_level = 0});
  EXPECT_FALSE(shake_hands(*server, client));
  EXPECT_EQ(server->failure(), "unsupported protocol");
}

TEST(Engine, RefusesTls12WhereThePolicySaysSo) {
  auto server = Engine::server(make_context({.minimum_version = Version::kTls13}),
                               std::make_shared<const CertificateStore>(make_self_signed()));
  Client client({.version = TLS1_2_VERSION});
  EXPECT_FALSE(shake_hands(*server, client));
}

TEST(Engine, RefusesRenegotiation) {
  auto server =
      Engine::server(make_context(), std::make_shared<const CertificateStore>(make_self_signed()));
  Client client({.version = TLS1_2_VERSION});
  ASSERT_TRUE(shake_hands(*server, client));
  ASSERT_EQ(SSL_renegotiate(client.ssl()), 1);
  client.handshake();
  EXPECT_EQ(deliver(*server, client.take_output()).status, Status::kWantInput);
  client.receive(take_output(*server));
  client.handshake();
  EXPECT_TRUE(client.failed());  // a no_renegotiation alert
}

TEST(Engine, AnswersKeyUpdates) {
  auto server =
      Engine::server(make_context(), std::make_shared<const CertificateStore>(make_self_signed()));
  Client client;
  ASSERT_TRUE(shake_hands(*server, client));
  SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
  client.write("under new keys");
  EXPECT_EQ(deliver(*server, client.take_output()).plaintext, "under new keys");
  server->write(std::string_view("both ways"));
  client.receive(take_output(*server));
  EXPECT_EQ(client.read(), "both ways");
}

TEST(ServerContext, WorkersShareOneContextWithItsKeysAndStore) {
  const auto context = make_context();
  const auto store = sample_store();
  std::vector<std::jthread> workers;
  for (int worker = 0; worker < 3; ++worker) {
    workers.emplace_back([&] {
      Client::SessionPtr session;
      for (int i = 0; i < 10; ++i) {
        auto server = Engine::server(context, store);
        Client client({.session = session.get()});
        ASSERT_TRUE(shake_hands(*server, client)) << server->failure();
        EXPECT_EQ(server->resumed(), session != nullptr);
        session = client.session();
      }
    });
  }
}

TEST(ServerContext, SaysWhichOptionIsWrong) {
  const auto error = [](const ServerOptions& options) {
    const auto context = ServerContext::create(options, nullptr);
    return context ? std::string() : context.error();
  };
  EXPECT_EQ(error({.ciphers = "NONSENSE"}), "ciphers \"NONSENSE\": no cipher match");
  EXPECT_NE(error({.cipher_suites = "NONSENSE"}), "");
  EXPECT_NE(error({.groups = "NONSENSE"}), "");
  EXPECT_NE(error({.alpn = {""}}), "");
  EXPECT_NE(error({.minimum_version = Version::kTls13, .maximum_version = Version::kTls12}), "");
}

}  // namespace
}  // namespace portico::tls
