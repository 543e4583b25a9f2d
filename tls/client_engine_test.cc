#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "tls/certificate_store.h"
#include "tls/client_context.h"
#include "tls/engine.h"
#include "tls/openssl.h"
#include "tls/server_context.h"
#include "tls/testing/certificates.h"
#include "tls/ticket_keys.h"

namespace portico::tls {
namespace {

using testing::CertificateRequest;
using testing::make_certificate;

std::shared_ptr<const ClientContext> client_context(const ClientOptions& options) {
  auto context = ClientContext::create(options);
  EXPECT_TRUE(context) << context.error();
  return *context;
}

std::shared_ptr<Engine> server_for(const std::shared_ptr<const routing::CertificateSpec>& spec,
                                   const ServerOptions& options = {}) {
  auto context = ServerContext::create(options, nullptr);
  EXPECT_TRUE(context) << context.error();
  auto store = std::make_shared<const CertificateStore>(spec);
  return Engine::server(*context, store);
}

// What `from` has to send, to `to`; opens what comes.
std::string carry(Engine& from, Engine& to, std::size_t piece_bytes = SIZE_MAX) {
  std::string plaintext;
  while (!from.output().empty()) {
    const std::string piece(from.output().data(), std::min(piece_bytes, from.output().size()));
    from.consume_output(piece.size());
    to.feed(piece);
    std::array<char, 20'000> buffer;
    for (Progress got; (got = to.read(buffer)).bytes > 0;) {
      plaintext.append(buffer.data(), got.bytes);
    }
    to.feed({});
  }
  return plaintext;
}

// "" where both agreed, else why the client gave up.
std::string shake_hands(Engine& client, Engine& server, std::size_t piece_bytes = SIZE_MAX) {
  for (int turn = 0; turn < 20; ++turn) {
    const Status mine = client.handshake();
    carry(client, server, piece_bytes);
    const Status theirs = server.handshake();
    carry(server, client, piece_bytes);
    if (mine == Status::kFailed) {
      return std::string(client.failure());
    }
    if (mine == Status::kOk && theirs == Status::kOk) {
      return {};
    }
  }
  return "never done; the server says: " + std::string(server.failure());
}

class ClientEngine : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0); }

  // What a client that trusts `options` says of a server with `request`'s certificate.
  std::string meet(const CertificateRequest& request, const std::string& server_name,
                   ClientOptions options = {}) {
    const auto spec = make_certificate(request);
    if (options.authorities_pem == "its own") {
      options.authorities_pem = spec->chain_pem;
    }
    const auto server = server_for(spec);
    const auto client = Engine::client(client_context(options), server_name);
    return shake_hands(*client, *server);
  }
};

const ClientOptions kTrustsIt{.authorities_pem = "its own"};

TEST_F(ClientEngine, ShakesHandsAndTellsWhatWasAgreed) {
  const auto spec = make_certificate({.names = {"api.example.com"}});
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    for (const std::size_t piece : {std::size_t{1}, SIZE_MAX}) {
      const auto server = server_for(spec);
      const auto client = Engine::client(client_context({.authorities_pem = spec->chain_pem,
                                                         .maximum_version = version,
                                                         .alpn = {"h2", "http/1.1"}}),
                                         "API.example.com.");
      EXPECT_EQ(client->sni(), "api.example.com");
      EXPECT_EQ(shake_hands(*client, *server, piece), "");
      EXPECT_EQ(server->sni(), "api.example.com");
      EXPECT_EQ(client->alpn(), "http/1.1");
      EXPECT_EQ(client->protocol(), version == Version::kTls12 ? "TLSv1.2" : "TLSv1.3");
      EXPECT_EQ(client->failure(), "");

      client->write(std::string_view("ping"));
      EXPECT_EQ(carry(*client, *server, piece), "ping");
      server->write(std::string_view("pong"));
      EXPECT_EQ(carry(*server, *client, piece), "pong");
    }
  }
}

TEST_F(ClientEngine, TakesNoCertificateForAnotherName) {
  const CertificateRequest request{
      .common_name = "cn.example.com",
      .names = {"a.example.com", "*.b.example.com", "10.0.0.1", "fd00::1"}};
  for (const char* good :
       {"a.example.com", "A.EXAMPLE.COM", "x.b.example.com", "10.0.0.1", "fd00::1", "FD00:0::1"}) {
    EXPECT_EQ(meet(request, good, kTrustsIt), "") << good;
  }
  const std::string names =
      "the certificate is for a.example.com, *.b.example.com, 10.0.0.1, fd00::1";
  for (const char* bad :
       {"b.example.com", "x.y.b.example.com", "cn.example.com", "10.0.0.2", "fd00::2"}) {
    EXPECT_EQ(meet(request, bad, kTrustsIt), names + ", not for " + bad);
  }
  EXPECT_EQ(meet({.names = {}}, "test", kTrustsIt),
            "the certificate is for no name at all, not for test");
}

TEST_F(ClientEngine, SaysWhoseDateIsWrong) {
  EXPECT_TRUE(meet({.names = {"a"}, .begins_in_days = -9, .ends_in_days = -2}, "a", kTrustsIt)
                  .starts_with("the certificate of \"test\" expired on 20"));
  EXPECT_TRUE(meet({.names = {"a"}, .begins_in_days = 2}, "a", kTrustsIt)
                  .starts_with("the certificate of \"test\" is not valid before 20"));
}

TEST_F(ClientEngine, SaysWhichAuthorityIsUnknown) {
  const auto other = make_certificate({.names = {"a"}});
  EXPECT_EQ(meet({.names = {"a"}}, "a", {.authorities_pem = other->chain_pem}),
            "the certificate of \"test\" is signed by an unknown authority, \"test\"");
  EXPECT_EQ(meet({.names = {"a"}, .intermediates = 1}, "a", {.authorities_pem = other->chain_pem}),
            "the certificate of \"issuer 1\" is signed by an unknown authority, \"issuer 0\"");
  EXPECT_EQ(meet({.names = {"a"}}, "a"),  // the system's
            "the certificate of \"test\" is signed by an unknown authority, \"test\"");
}

TEST_F(ClientEngine, AnyTrustedCertificateEndsTheChain) {
  const auto spec = make_certificate({.names = {"a"}, .intermediates = 1});
  const std::size_t second = spec->chain_pem.find("-----BEGIN", 1);
  const auto server = server_for(spec);
  const auto client = Engine::client(
      client_context({.authorities_pem = "a comment\n" + spec->chain_pem.substr(second)}), "a");
  EXPECT_EQ(shake_hands(*client, *server), "");
}

TEST_F(ClientEngine, WithoutVerificationTakesAnybody) {
  const CertificateRequest expired{.names = {"b"}, .begins_in_days = -9, .ends_in_days = -2};
  EXPECT_EQ(meet(expired, "a", {.verify = false}), "");
  EXPECT_EQ(meet(expired, "", {.verify = false}), "");
}

TEST_F(ClientEngine, AnEmptyNameVerifiesNothingAndFails) {
  EXPECT_EQ(meet({.names = {"a"}}, "", kTrustsIt),
            "no name, or none that TLS can carry, to know the server by");
}

TEST_F(ClientEngine, SaysThatTheServerDoesNotSpeakTls) {
  const auto client = Engine::client(client_context({.verify = false}), "a");
  client->handshake();
  client->feed(std::string_view("HTTP/1.1 400 Bad Request\r\n\r\n"));
  EXPECT_EQ(client->handshake(), Status::kFailed);
  EXPECT_EQ(client->failure(),
            "the server does not speak TLS on this port, or none that is this new");
}

TEST_F(ClientEngine, TellsWhatTheServerRefuses) {
  const auto spec = make_certificate({.names = {"a"}});
  const auto server = server_for(spec, {.minimum_version = Version::kTls13});
  const auto client =
      Engine::client(client_context({.verify = false, .maximum_version = Version::kTls12}), "a");
  EXPECT_EQ(shake_hands(*client, *server), "the server refuses: tlsv1 alert protocol version");
}

// A server that demands a certificate: ServerContext knows none of that.
class DemandingServer {
 public:
  explicit DemandingServer(const routing::CertificateSpec& trusted)
      : context_(SSL_CTX_new(TLS_server_method())) {
    const auto own = make_certificate({.names = {"a"}});
    const BioPtr certificate(BIO_new_mem_buf(own->chain_pem.data(), -1));
    const BioPtr key(BIO_new_mem_buf(own->key_pem.data(), -1));
    const BioPtr authority(BIO_new_mem_buf(trusted.chain_pem.data(), -1));
    SSL_CTX_use_certificate(
        context_.get(),
        X509Ptr(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr)).get());
    SSL_CTX_use_PrivateKey(
        context_.get(),
        PkeyPtr(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr)).get());
    auto* store = SSL_CTX_get_cert_store(context_.get());
    X509_STORE_add_cert(
        store, X509Ptr(PEM_read_bio_X509(authority.get(), nullptr, nullptr, nullptr)).get());
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_.get());
  }

  // One exchange of what each has to say.
  Status turn(Engine& client) {
    const Status mine = client.handshake();
    BIO_write(SSL_get_rbio(ssl_.get()), client.output().data(),
              static_cast<int>(client.output().size()));
    client.consume_output(client.output().size());
    SSL_do_handshake(ssl_.get());
    ERR_clear_error();
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &bytes);
    const std::string answer(bytes, static_cast<std::size_t>(size));
    std::ignore = BIO_reset(SSL_get_wbio(ssl_.get()));
    client.feed(answer);
    std::array<char, 100> plaintext;
    const Status read = client.read(plaintext).status;
    client.feed({});
    return mine == Status::kFailed ? mine : read;
  }
  [[nodiscard]] bool knows_the_client() const {
    return SSL_get0_peer_certificate(ssl_.get()) != nullptr;
  }

 private:
  SslCtxPtr context_;
  SslPtr ssl_;
};

TEST_F(ClientEngine, ShowsItsCertificateWhereItIsAsked) {
  const auto own = make_certificate({.common_name = "portico"});
  DemandingServer server(*own);
  const auto client = Engine::client(client_context({.verify = false, .certificate = own}), "a");
  for (int i = 0; i < 4; ++i) {
    EXPECT_NE(server.turn(*client), Status::kFailed) << client->failure();
  }
  EXPECT_TRUE(server.knows_the_client());
}

TEST_F(ClientEngine, SaysThatACertificateIsDemanded) {
  DemandingServer server(*make_certificate({}));
  const auto client = Engine::client(client_context({.verify = false}), "a");
  Status last = Status::kOk;
  for (int i = 0; i < 4 && last != Status::kFailed; ++i) {
    last = server.turn(*client);
  }
  EXPECT_EQ(last, Status::kFailed);
  EXPECT_EQ(client->failure(), "the server refuses: tlsv13 alert certificate required");
}

TEST(ClientContext, SaysWhatIsWrong) {
  const auto error = [](const ClientOptions& options) {
    const auto context = ClientContext::create(options);
    return context ? std::string() : context.error();
  };
  const auto good = make_certificate({});
  const auto other = make_certificate({});
  const auto with = [](const std::string& chain, const std::string& key) {
    return std::make_shared<const routing::CertificateSpec>(
        routing::CertificateSpec{.secret = "", .chain_pem = chain, .key_pem = key});
  };
  EXPECT_EQ(error({.authorities_pem = "nonsense"}), "ca.crt holds no PEM certificate");
  EXPECT_EQ(error({.authorities_pem = good->key_pem}), "ca.crt holds no PEM certificate");
  EXPECT_EQ(error({.authorities_pem = good->chain_pem + "-----BEGIN CERTIFICATE-----\nAA"}),
            "ca.crt: what follows certificate 1 is malformed");
  EXPECT_EQ(
      error({.authorities_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}),
      "ca.crt: certificate 1 is malformed");
  EXPECT_EQ(error({.certificate = with(good->chain_pem, other->key_pem)}),
            "tls.key does not match the certificate in tls.crt");
  EXPECT_EQ(error({.certificate = with("", good->key_pem)}), "tls.crt is empty");
  EXPECT_EQ(error({.ciphers = "NONSENSE"}), "ciphers \"NONSENSE\": no cipher match");
  EXPECT_NE(error({.alpn = {""}}), "");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

// Remembered sessions need a server that gives tickets.
class ClientSessions : public ::testing::Test {
 protected:
  // Whether a connection to `server` resumed an earlier one.
  bool resumes(const std::shared_ptr<const ClientContext>& context, std::string_view name,
               std::string_view server) {
    const auto client = Engine::client(context, name, server);
    const auto peer = Engine::server(server_, std::make_shared<const CertificateStore>(spec_));
    EXPECT_EQ(shake_hands(*client, *peer), "");
    peer->write(std::string_view("x"));  // carries the tickets of TLS 1.3 along
    carry(*peer, *client);
    return client->resumed();
  }

  const std::shared_ptr<const routing::CertificateSpec> spec_ =
      make_certificate({.names = {"api.example.com", "www.example.com"}});
  const std::shared_ptr<const ServerContext> server_ =
      *ServerContext::create({}, std::make_shared<TicketKeys>());
};

TEST_F(ClientSessions, AreResumedAtTheSameServerOnly) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    const auto context = client_context(
        {.authorities_pem = spec_->chain_pem, .resume_sessions = true, .maximum_version = version});
    EXPECT_FALSE(resumes(context, "api.example.com", "10.0.0.1:443"));
    EXPECT_TRUE(resumes(context, "api.example.com", "10.0.0.1:443"));
    EXPECT_FALSE(resumes(context, "api.example.com", "10.0.0.2:443"));
    EXPECT_FALSE(resumes(context, "www.example.com", "10.0.0.1:443"));
  }
}

TEST_F(ClientSessions, AreForgottenUnlessAskedFor) {
  const auto context = client_context({.authorities_pem = spec_->chain_pem});
  EXPECT_FALSE(resumes(context, "api.example.com", "10.0.0.1:443"));
  EXPECT_FALSE(resumes(context, "api.example.com", "10.0.0.1:443"));
}

TEST_F(ClientEngine, MeansANameWithoutSayingIt) {
  const auto spec = make_certificate({.names = {"api.example.com"}});
  const ClientOptions silent{.authorities_pem = spec->chain_pem, .send_server_name = false};
  const auto server = server_for(spec);
  const auto client = Engine::client(client_context(silent), "api.example.com");
  EXPECT_EQ(shake_hands(*client, *server), "");
  EXPECT_EQ(server->sni(), "");
  EXPECT_NE(meet({.names = {"other.example.com"}}, "api.example.com",
                 {.authorities_pem = "its own", .send_server_name = false}),
            "");
}

}  // namespace
}  // namespace portico::tls
