#include "proxy/net/tls_transport.h"

#include <malloc.h>

#include <gtest/gtest.h>

#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/net/testing/peer.h"
#include "proxy/net/testing/recording_sink.h"
#include "tls/engine.h"
#include "tls/self_signed.h"
#include "tls/server_context.h"
#include "tls/testing/client.h"
#include "tls/ticket_keys.h"

namespace portico::net {
namespace {

using namespace std::chrono_literals;

class TlsHandshakeTest : public ::testing::Test {
 protected:
  TlsHandshakeTest() {
    listener_ =
        *Listener::open(loop_, *SocketAddress::from("127.0.0.1", 0), [this](AcceptedSocket s) {
          auto store = std::make_shared<tls::CertificateStore>(tls::make_self_signed());
          auto context = tls::ServerContext::create({}, std::make_shared<tls::TicketKeys>());
          handshake_.emplace(loop_, make_tcp_transport(loop_, std::move(s)),
                             tls::Engine::server(*context, store), timeout_, [this](auto result) {
                               ++calls_;
                               error_ = result ? TransportError::kNone : result.error();
                               transport_ = result ? std::move(*result) : nullptr;
                               handshake_.reset();
                             });
        });
  }
  bool until(std::function<bool()> done) {
    return loop_.run_until(
        [this, &done] {
          if (peer_ && peer_->fd() >= 0) {
            peer_->drive();
          }
          return done();
        },
        60s);
  }

  Loop loop_;
  std::chrono::milliseconds timeout_{60'000};
  std::unique_ptr<Listener> listener_;
  std::optional<TlsHandshake> handshake_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<testing::Peer> peer_;
  int calls_ = 0;
  TransportError error_ = TransportError::kNone;
};

TEST_F(TlsHandshakeTest, TellsWhatWasAgreed) {
  peer_ = testing::connect_tls(listener_->local_address());
  ASSERT_TRUE(until([this] { return transport_ != nullptr; }));
  ASSERT_NE(transport_->info().tls, nullptr);
  EXPECT_EQ(transport_->info().tls->sni, "a.example.com");
  EXPECT_EQ(transport_->info().tls->protocol, "TLSv1.3");
  EXPECT_FALSE(transport_->info().tls->cipher.empty());
}

TEST_F(TlsHandshakeTest, PlainBytesAreNoHandshake) {
  peer_ = testing::connect_plain(listener_->local_address());
  peer_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(until([this] { return calls_ == 1; }));
  EXPECT_EQ(error_, TransportError::kTlsFailed);
}

TEST_F(TlsHandshakeTest, ASilentPeerTimesOut) {
  timeout_ = 50ms;
  peer_ = testing::connect_plain(listener_->local_address());
  ASSERT_TRUE(until([this] { return calls_ == 1; }));
  EXPECT_EQ(error_, TransportError::kTimedOut);
  EXPECT_TRUE(until([this] { return peer_->ended(); }));
}

TEST_F(TlsHandshakeTest, APeerThatLeavesIsAReset) {
  peer_ = testing::connect_plain(listener_->local_address());
  peer_->finish();
  ASSERT_TRUE(until([this] { return calls_ == 1; }));
  EXPECT_EQ(error_, TransportError::kReset);
}

TEST_F(TlsHandshakeTest, DestroyedItClosesAndSaysNothing) {
  peer_ = testing::connect_plain(listener_->local_address());
  ASSERT_TRUE(until([this] { return handshake_.has_value(); }));
  handshake_.reset();
  EXPECT_TRUE(until([this] { return peer_->ended(); }));
  EXPECT_EQ(calls_, 0);
}

TEST_F(TlsHandshakeTest, AnEndWithoutCloseNotifyIsNoEnd) {
  testing::RecordingSink sink;
  peer_ = testing::connect_tls(listener_->local_address());
  ASSERT_TRUE(until([this] { return transport_ != nullptr; }));
  transport_->start(sink);
  peer_->send("cut sh");
  ASSERT_TRUE(until([&sink] { return sink.received == "cut sh"; }));
  peer_->cut();
  ASSERT_TRUE(until([&sink] { return sink.errors == 1; }));
  EXPECT_EQ(sink.error, TransportError::kReset);
  EXPECT_EQ(sink.ends, 0);
}

// A socket that takes `room` bytes and then no more.
class FullTransport final : public Transport {
 public:
  explicit FullTransport(TransportSink*& sink, std::string& sent, std::size_t& room)
      : sink_(sink), sent_(sent), room_(room) {}
  void start(TransportSink& sink) override { sink_ = &sink; }
  void pause_reading() override {}
  void resume_reading() override {}
  bool write(std::span<const iovec> pieces) override {
    for (const auto& piece : pieces) {
      sent_.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    }
    return sent_.size() <= room_;
  }
  void finish_writing() override {}
  void close(bool) override {}
  [[nodiscard]] std::uint64_t sent_bytes() const override { return 0; }
  [[nodiscard]] std::size_t unsent_bytes() const override { return 0; }
  [[nodiscard]] bool has_unread() const override { return false; }
  [[nodiscard]] const TransportInfo& info() const override { return info_; }

 private:
  TransportSink*& sink_;
  std::string& sent_;
  std::size_t& room_;
  TransportInfo info_;
};

// A server's handshake whose client is played byte by byte.
class PlayedHandshakeTest : public ::testing::Test {
 protected:
  void begin() {
    auto store = std::make_shared<tls::CertificateStore>(tls::make_self_signed());
    handshake_.emplace(loop_, std::make_unique<FullTransport>(below_, sent_, room_),
                       tls::Engine::server(*tls::ServerContext::create({}, nullptr), store), 10s,
                       [this](auto result) { is_done_ = result.has_value(); });
  }
  // As a transport offers: what is not taken is offered again, with more behind it.
  void arrive(std::string_view bytes) {
    unread_ += bytes;
    std::size_t taken = 0;
    do {
      taken = below_->on_bytes(unread_);
      unread_.erase(0, taken);
      loop_.run_until([] { return false; }, 1ms);  // the turn ends
    } while (taken > 0 && !unread_.empty() && !is_done_);
  }

  Loop loop_;
  TransportSink* below_ = nullptr;
  std::string sent_;
  std::string unread_;
  std::size_t room_ = SIZE_MAX;
  std::optional<TlsHandshake> handshake_;
  std::optional<bool> is_done_;
};

// OpenSSL makes room for a hello by the length that it announces.
TEST_F(PlayedHandshakeTest, AHelloThatIsAnnouncedTakesNoMemoryBeforeItIsThere) {
  constexpr std::size_t kMost = 64 * 1024;
  begin();
  const auto before = mallinfo2().uordblks;
  arrive({"\x16\x03\x01\x40\x00\x01\x01\xff\xf0", 9});
  EXPECT_LT(mallinfo2().uordblks, before + kMost);
  EXPECT_FALSE(is_done_.value_or(false));
}

TEST_F(PlayedHandshakeTest, NeitherDoesASecondOne) {
  constexpr std::size_t kMost = 64 * 1024;
  tls::testing::Client client;
  SSL_set1_groups_list(client.ssl(), "P-521:P-256");  // the server wants another hello
  begin();
  client.handshake();
  const auto before = mallinfo2().uordblks;
  const std::string changes_cipher("\x14\x03\x03\x00\x01\x01", 6);
  const std::string announced("\x16\x03\x03\x40\x00\x01\x01\xff\xf0", 9);
  arrive(client.take_output() + changes_cipher + announced);
  EXPECT_FALSE(sent_.empty());
  EXPECT_FALSE(is_done_.value_or(false));
  EXPECT_LT(mallinfo2().uordblks, before + kMost);
}

TEST_F(PlayedHandshakeTest, AHelloMayComeByteByByteAndTwice) {
  for (const char* groups : {"X25519:P-256", "P-521:P-256"}) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      tls::testing::Client client({.version = version});
      SSL_set1_groups_list(client.ssl(), groups);
      is_done_.reset();
      unread_.clear();
      begin();
      for (int turn = 0; turn < 10 && !is_done_; ++turn) {
        client.handshake();
        for (const char byte : client.take_output()) {
          arrive({&byte, 1});
        }
        client.receive(std::exchange(sent_, {}));
      }
      EXPECT_EQ(is_done_, true) << groups << " " << version;
    }
  }
}

// A server's connection whose client is played byte by byte.
class KeyUpdateTest : public ::testing::Test {
 protected:
  KeyUpdateTest() {
    auto store = std::make_shared<tls::CertificateStore>(tls::make_self_signed());
    handshake_.emplace(loop_, std::make_unique<FullTransport>(below_, sent_, room_),
                       tls::Engine::server(*tls::ServerContext::create({}, nullptr), store), 60s,
                       [this](auto result) { transport_ = std::move(*result); });
    for (int turn = 0; turn < 10 && transport_ == nullptr; ++turn) {
      client_.handshake();
      deliver();
      client_.receive(std::exchange(sent_, {}));
    }
    transport_->start(sink_);
    client_.read();
  }
  void deliver() {
    auto bytes = client_.take_output();
    below_->on_bytes(bytes);
  }
  void ask_for_new_keys(int times) {
    for (int i = 0; i < times; ++i) {
      SSL_key_update(client_.ssl(), SSL_KEY_UPDATE_REQUESTED);
      client_.handshake();
      deliver();
    }
  }
  void run(std::function<bool()> done) { loop_.run_until(std::move(done), 60s); }

  Loop loop_;
  TransportSink* below_ = nullptr;
  std::string sent_;
  std::size_t room_ = SIZE_MAX;
  tls::testing::Client client_;
  std::optional<TlsHandshake> handshake_;
  std::unique_ptr<Transport> transport_;
  testing::RecordingSink sink_;
};

TEST_F(KeyUpdateTest, IsAnswered) {
  ask_for_new_keys(3);
  EXPECT_FALSE(sent_.empty());
  client_.receive(sent_);
  client_.write("with new keys");
  deliver();
  EXPECT_EQ(sink_.received, "with new keys");
  EXPECT_EQ(client_.read(), "");
  EXPECT_FALSE(client_.failed());
}

TEST_F(KeyUpdateTest, WhoAsksOnAndOnWithoutReadingIsCutOff) {
  room_ = 0;
  ask_for_new_keys(5'000);
  run([this] { return sink_.errors == 1; });
  EXPECT_EQ(sink_.errors, 1);
  EXPECT_EQ(sink_.error, TransportError::kTlsFailed);
  EXPECT_FALSE(transport_->info().tls->failure.empty());
  EXPECT_LT(sent_.size(), 32U * 1024);
}

TEST_F(KeyUpdateTest, WhoReadsMayAskAsOftenAsHeLikes) {
  room_ = 0;
  for (int round = 0; round < 20; ++round) {
    ask_for_new_keys(100);
    sent_.clear();
    below_->on_drained();
  }
  client_.write("still here");
  deliver();
  EXPECT_EQ(sink_.received, "still here");
  EXPECT_EQ(sink_.errors, 0);
}

}  // namespace
}  // namespace portico::net
