#include "proxy/net/tls_transport.h"

#include <gtest/gtest.h>

#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/net/testing/peer.h"
#include "proxy/net/testing/recording_sink.h"
#include "tls/engine.h"
#include "tls/self_signed.h"
#include "tls/server_context.h"
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
        10s);
  }

  Loop loop_;
  std::chrono::milliseconds timeout_{5000};
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

}  // namespace
}  // namespace portico::net
