#include "proxy/net/proxy_handshake.h"

#include <optional>

#include <gtest/gtest.h>

#include "proxy/net/loop.h"
#include "proxy/net/testing/peer.h"
#include "proxy/net/testing/recording_sink.h"

namespace portico::net {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHeader = "PROXY TCP4 203.0.113.7 192.0.2.1 51234 80\r\n";

class ProxyHandshakeTest : public ::testing::Test {
 protected:
  ProxyHandshakeTest() {
    listener_ =
        *Listener::open(loop_, *SocketAddress::from("127.0.0.1", 0), [this](AcceptedSocket s) {
          handshake_.emplace(loop_, std::move(s), timeout_, [this](auto result) {
            ++calls_;
            if (result) {
              transport_ = std::move(*result);
              transport_->start(sink_);
            } else {
              error_ = result.error();
            }
            handshake_.reset();
          });
        });
    peer_ = testing::connect_plain(listener_->local_address());
  }
  bool until(std::function<bool()> done) {
    return loop_.run_until(
        [this, &done] {
          if (peer_->fd() >= 0) {
            peer_->drive();
          }
          return done();
        },
        60s);
  }

  Loop loop_;
  std::chrono::milliseconds timeout_{60'000};
  std::unique_ptr<Listener> listener_;
  std::optional<ProxyHandshake> handshake_;
  testing::RecordingSink sink_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<testing::Peer> peer_;
  int calls_ = 0;
  std::optional<ProxyHandshakeError> error_;
};

TEST_F(ProxyHandshakeTest, AnnouncesTheClientAndOffersWhatFollows) {
  peer_->send(std::string(kHeader) + "GET / HTTP/1.1\r\n");
  ASSERT_TRUE(until([this] { return sink_.received == "GET / HTTP/1.1\r\n"; }));
  EXPECT_EQ(transport_->info().peer.to_string(), "203.0.113.7:51234");
  EXPECT_EQ(transport_->info().local.to_string(), "192.0.2.1:80");
  EXPECT_EQ(transport_->info().announced, Announced::kHttp);
}

TEST_F(ProxyHandshakeTest, TakesTheHeaderByteByByte) {
  for (const char byte : kHeader) {
    ASSERT_EQ(calls_, 0);
    peer_->send({&byte, 1});
    const auto seen = [this] { return handshake_.has_value() || calls_ == 1; };
    ASSERT_TRUE(until(seen));
  }
  ASSERT_TRUE(until([this] { return calls_ == 1; }));
  peer_->send("and more");
  EXPECT_TRUE(until([this] { return sink_.received == "and more"; }));
}

TEST_F(ProxyHandshakeTest, TakesPort443ForHttps) {
  peer_->send("PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n");
  ASSERT_TRUE(until([this] { return transport_ != nullptr; }));
  EXPECT_EQ(transport_->info().announced, Announced::kHttps);
}

TEST_F(ProxyHandshakeTest, LetsTheConnectionSpeakForItselfWhereNobodyIsAnnounced) {
  peer_->send("PROXY UNKNOWN\r\n");
  ASSERT_TRUE(until([this] { return transport_ != nullptr; }));
  EXPECT_EQ(transport_->info().local, listener_->local_address());
  EXPECT_TRUE(transport_->info().peer.is_loopback());
  EXPECT_EQ(transport_->info().announced, Announced::kNothing);
}

TEST_F(ProxyHandshakeTest, ClosesAConnectionWithoutAHeader) {
  peer_->send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(until([this] { return calls_ == 1; }));
  EXPECT_EQ(error_, ProxyHandshakeError::kMalformed);
  EXPECT_TRUE(until([this] { return peer_->ended() || peer_->was_reset(); }));
}

TEST_F(ProxyHandshakeTest, TellsOfAPeerThatGoesBeforeItsEnd) {
  peer_->send(kHeader.substr(0, 20));
  peer_->finish();
  ASSERT_TRUE(until([this] { return calls_ == 1; }));
  EXPECT_EQ(error_, ProxyHandshakeError::kBroken);
}

TEST_F(ProxyHandshakeTest, GivesUpOnOneThatIsTooSlow) {
  timeout_ = 1ms;
  peer_->send(kHeader.substr(0, 20));
  ASSERT_TRUE(until([this] { return calls_ == 1; }));
  EXPECT_EQ(error_, ProxyHandshakeError::kTimedOut);
}

}  // namespace
}  // namespace portico::net
