// The contract of Transport, for every kind of it, over real sockets.
#include "proxy/net/transport.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/net/testing/peer.h"
#include "proxy/net/testing/recording_sink.h"
#include "proxy/net/tls_transport.h"
#include "tls/engine.h"
#include "tls/self_signed.h"
#include "tls/server_context.h"
#include "tls/ticket_keys.h"

namespace portico::net {
namespace {

using testing::Peer;
using testing::RecordingSink;
using testing::write;
using namespace std::chrono_literals;

enum class Kind { kTcp, kTls };

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) {
    text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  }
  return text;
}

class TransportTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    listener_ = *Listener::open(loop_, *SocketAddress::from("127.0.0.1", 0),
                                [this](AcceptedSocket socket) { accepted(std::move(socket)); });
    peer_ = GetParam() == Kind::kTls ? testing::connect_tls(listener_->local_address())
                                     : testing::connect_plain(listener_->local_address());
    ASSERT_TRUE(until([this] { return transport_ != nullptr; }));
  }

  void accepted(AcceptedSocket socket) {
    if (GetParam() != Kind::kTls) {
      transport_ = make_tcp_transport(loop_, std::move(socket));
      return;
    }
    auto store = std::make_shared<tls::CertificateStore>(tls::make_self_signed());
    auto context = tls::ServerContext::create({}, std::make_shared<tls::TicketKeys>());
    handshake_.emplace(loop_, make_tcp_transport(loop_, std::move(socket)),
                       tls::Engine::server(*context, store), 60s, [this](auto result) {
                         ASSERT_TRUE(result.has_value()) << to_string(result.error());
                         transport_ = std::move(*result);
                       });
  }

  // Runs both sides until `done`.
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
  // Lets the loop do whatever it still may: a task that is posted behind everything that is due.
  void settle() {
    for (int turn = 0; turn < 20; ++turn) {
      bool passed = false;
      loop_.post([&passed] { passed = true; });
      ASSERT_TRUE(until([&passed] { return passed; }));
    }
  }
  // Writes until something is kept; how much was handed over.
  std::size_t write_until_kept(const std::string& chunk) {
    std::size_t total = chunk.size();
    while (write(*transport_, chunk)) {
      total += chunk.size();
    }
    return total;
  }

  Loop loop_;
  RecordingSink sink_;
  std::unique_ptr<Listener> listener_;
  std::optional<TlsHandshake> handshake_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Peer> peer_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, TransportTest, ::testing::Values(Kind::kTcp, Kind::kTls),
                         [](const auto& row) { return row.param == Kind::kTls ? "Tls" : "Tcp"; });

TEST_P(TransportTest, BytesPassBothWays) {
  transport_->start(sink_);
  peer_->send("hello");
  ASSERT_TRUE(until([this] { return sink_.received == "hello"; }));
  EXPECT_TRUE(write(*transport_, "world"));
  EXPECT_TRUE(until([this] { return peer_->received() == "world"; }));
}

TEST_P(TransportTest, PiecesOfAGatherWriteArriveInOrder) {
  transport_->start(sink_);
  const std::string big = pattern(100'000);
  std::string head = "head ";
  std::string tail = " tail";
  const std::array pieces{iovec{head.data(), head.size()},
                          iovec{const_cast<char*>(big.data()), big.size()}, iovec{nullptr, 0},
                          iovec{tail.data(), tail.size()}};
  transport_->write(pieces);
  EXPECT_TRUE(until([&] { return peer_->received() == head + big + tail; }));
}

TEST_P(TransportTest, OffersAgainWhatWasNotTakenWithMoreBehindIt) {
  sink_.take_at_most = 1;
  transport_->start(sink_);
  peer_->send("abc");
  ASSERT_TRUE(until([this] { return sink_.offers == 1; }));
  peer_->send("def");
  ASSERT_TRUE(until([this] { return sink_.offers == 2; }));
  EXPECT_EQ(sink_.last_offer, "bcdef");
  EXPECT_EQ(sink_.received, "ab");
}

TEST_P(TransportTest, PausedOffersNothingAndResumedOffersFromTheLoop) {
  sink_.take_at_most = 0;
  transport_->start(sink_);
  peer_->send("abc");
  ASSERT_TRUE(until([this] { return sink_.offers == 1; }));
  transport_->pause_reading();
  peer_->send("def");
  peer_->finish();
  settle();
  EXPECT_EQ(sink_.offers, 1);
  EXPECT_EQ(sink_.ends, 0);
  sink_.take_at_most = SIZE_MAX;
  transport_->resume_reading();
  EXPECT_EQ(sink_.offers, 1);
  EXPECT_TRUE(until([this] { return sink_.received == "abcdef" && sink_.ends == 1; }));
}

TEST_P(TransportTest, PausingInsideACallbackStopsTheNextOne) {
  sink_.before_take = [this] { transport_->pause_reading(); };
  transport_->start(sink_);
  peer_->send(pattern(kMegabyte));
  ASSERT_TRUE(until([this] { return sink_.offers == 1; }));
  settle();
  EXPECT_EQ(sink_.offers, 1);
  sink_.before_take = nullptr;
  const std::size_t first = sink_.last_offer.size();
  transport_->resume_reading();
  EXPECT_TRUE(until([&] { return first + sink_.received.size() == kMegabyte; }));
}

TEST_P(TransportTest, ANewSinkGetsWhatTheOldOneLeft) {
  RecordingSink next;
  sink_.take_at_most = 3;
  transport_->start(sink_);
  peer_->send("abcdef");
  ASSERT_TRUE(until([this] { return sink_.offers == 1; }));
  transport_->start(next);
  EXPECT_EQ(next.offers, 0);
  ASSERT_TRUE(until([&] { return next.received == "def"; }));
  peer_->finish();
  EXPECT_TRUE(until([&] { return next.ends == 1; }));
  EXPECT_EQ(sink_.ends, 0);
}

TEST_P(TransportTest, ASinkThatTakesNothingStopsThePeer) {
  sink_.take_at_most = 0;
  transport_->start(sink_);
  const std::string all = pattern(32 * kMegabyte);
  peer_->send(all);
  std::size_t unsent = 0;
  ASSERT_TRUE(until([&] {
    return std::exchange(unsent, peer_->unsent()) == peer_->unsent() &&
           sink_.last_offer.size() > 60'000;
  }));
  settle();
  EXPECT_GT(peer_->unsent(), 0);
  EXPECT_LE(sink_.last_offer.size(), Transport::kMaxUnread);
  EXPECT_LE(loop_.buffers().in_use(), 2);
  sink_.take_at_most = SIZE_MAX;
  transport_->resume_reading();
  ASSERT_TRUE(until([&] { return sink_.received.size() == all.size(); }));
  EXPECT_TRUE(sink_.received == all);
}

TEST_P(TransportTest, WhatTheSocketDoesNotTakeIsKeptAndSentLater) {
  transport_->start(sink_);
  peer_->stop_reading();
  const std::string chunk = pattern(100'000);
  const std::size_t total = write_until_kept(chunk);
  settle();
  EXPECT_EQ(sink_.drains, 0);
  peer_->start_reading();
  ASSERT_TRUE(until([&] { return peer_->received().size() == total; }));
  EXPECT_TRUE(until([this] { return sink_.drains == 1; }));
  for (std::size_t at = 0; at < total; at += chunk.size()) {
    ASSERT_TRUE(peer_->received().compare(at, chunk.size(), chunk) == 0);
  }
}

TEST_P(TransportTest, ADrainedSinkMayWriteOn) {
  transport_->start(sink_);
  const std::string chunk = pattern(300'000);
  std::size_t total = write_until_kept(chunk);
  sink_.at_drained = [&] {
    while (total < 30 * kMegabyte) {
      total += chunk.size();
      if (!write(*transport_, chunk)) {
        return;
      }
    }
  };
  EXPECT_TRUE(until([&] { return total >= 30 * kMegabyte && peer_->received().size() == total; }));
}

TEST_P(TransportTest, WritingGoesOnAfterThePeerHasFinished) {
  transport_->start(sink_);
  peer_->send("request");
  peer_->finish();
  ASSERT_TRUE(until([this] { return sink_.ends == 1; }));
  EXPECT_EQ(sink_.received, "request");
  EXPECT_TRUE(write(*transport_, "answer"));
  EXPECT_TRUE(until([this] { return peer_->received() == "answer"; }));
}

TEST_P(TransportTest, AnEndThatCameWithTheLastBytesIsSeenAtOnce) {
  peer_->send("request");
  peer_->finish();
  transport_->start(sink_);
  EXPECT_TRUE(until([this] { return sink_.received == "request" && sink_.ends == 1; }));
}

// The end's edge comes while nothing is read: nobody is waiting for it.
TEST_P(TransportTest, AnEndThatCameWhilePausedIsSeenWhenResumed) {
  transport_->start(sink_);
  transport_->pause_reading();
  peer_->send("request");
  settle();
  peer_->send(" and more");
  peer_->finish();
  settle();
  transport_->resume_reading();
  EXPECT_TRUE(until([this] { return sink_.received == "request and more" && sink_.ends == 1; }));
}

TEST_P(TransportTest, AnIdleConnectionNoticesItsEnd) {
  transport_->start(sink_);
  settle();
  peer_->finish();
  EXPECT_TRUE(until([this] { return sink_.ends == 1; }));
}

TEST_P(TransportTest, FinishingSendsWhatIsKeptFirst) {
  transport_->start(sink_);
  peer_->stop_reading();
  const std::size_t total = write_until_kept(pattern(100'000));
  transport_->finish_writing();
  settle();
  peer_->start_reading();
  ASSERT_TRUE(until([this] { return peer_->ended(); }));
  EXPECT_EQ(peer_->received().size(), total);
  peer_->send("still read");
  EXPECT_TRUE(until([this] { return sink_.received == "still read"; }));
}

TEST_P(TransportTest, ClosingWithResetCannotBeMistakenForAnEnd) {
  transport_->start(sink_);
  write(*transport_, "half an answ");
  transport_->close(true);
  EXPECT_TRUE(until([this] { return peer_->was_reset(); }));
  EXPECT_FALSE(peer_->ended());
}

TEST_P(TransportTest, AResetByThePeerIsAnError) {
  transport_->start(sink_);
  settle();
  peer_->close_with_reset();
  ASSERT_TRUE(until([this] { return sink_.errors == 1; }));
  EXPECT_EQ(sink_.error, TransportError::kReset);
  EXPECT_EQ(sink_.ends, 0);
}

// One edge tells of the bytes and of the reset: nothing comes after it.
TEST_P(TransportTest, AResetThatCameWithTheLastBytesIsSeenAtOnce) {
  peer_->send("half an answer");
  peer_->close_with_reset();
  transport_->start(sink_);
  ASSERT_TRUE(until([this] { return sink_.errors == 1; }));
  EXPECT_EQ(sink_.error, TransportError::kReset);
  EXPECT_EQ(sink_.ends, 0);
}

TEST_P(TransportTest, AWriteErrorArrivesLaterEvenWhilePaused) {
  transport_->start(sink_);
  transport_->pause_reading();
  peer_->close_with_reset();
  for (int i = 0; i < 3; ++i) {
    write(*transport_, "x");
  }
  EXPECT_EQ(sink_.errors, 0);
  EXPECT_TRUE(until([this] { return sink_.errors == 1; }));
  EXPECT_FALSE(write(*transport_, "x"));
  settle();
  EXPECT_EQ(sink_.errors, 1);
}

TEST_P(TransportTest, MayBeDestroyedInAnyCallback) {
  const auto destroy = [this] { transport_.reset(); };
  sink_.before_take = destroy;
  transport_->start(sink_);
  peer_->send(pattern(kMegabyte));
  ASSERT_TRUE(until([this] { return transport_ == nullptr; }));
  settle();
  EXPECT_EQ(sink_.offers, 1);
  EXPECT_EQ(loop_.buffers().in_use(), 0);
}

TEST_P(TransportTest, MayBeDestroyedWhenThePeerEnds) {
  sink_.at_end = [this] { transport_.reset(); };
  transport_->start(sink_);
  peer_->finish();
  EXPECT_TRUE(until([this] { return transport_ == nullptr; }));
  settle();
}

TEST_P(TransportTest, MayBeDestroyedWhenDrained) {
  sink_.at_drained = [this] { transport_.reset(); };
  transport_->start(sink_);
  write_until_kept(pattern(100'000));
  EXPECT_TRUE(until([this] { return transport_ == nullptr; }));
  settle();
}

TEST_P(TransportTest, MayBeDestroyedOnAnError) {
  sink_.at_error = [this] { transport_.reset(); };
  transport_->start(sink_);
  peer_->close_with_reset();
  EXPECT_TRUE(until([this] { return transport_ == nullptr; }));
  settle();
}

TEST_P(TransportTest, MayBeClosedInsideOnBytes) {
  sink_.before_take = [this] { transport_->close(); };
  transport_->start(sink_);
  peer_->send(pattern(kMegabyte));
  ASSERT_TRUE(until([this] { return sink_.offers == 1; }));
  settle();
  EXPECT_EQ(sink_.offers, 1);
  EXPECT_EQ(sink_.ends + sink_.errors, 0);
  EXPECT_EQ(loop_.buffers().in_use(), 0);
}

TEST_P(TransportTest, DestructionTakesBackWhatIsPosted) {
  sink_.take_at_most = 0;
  transport_->start(sink_);
  peer_->send("abc");
  ASSERT_TRUE(until([this] { return sink_.offers == 1; }));
  transport_->resume_reading();
  transport_.reset();
  settle();
  EXPECT_EQ(sink_.offers, 1);
}

TEST_P(TransportTest, AnIdleConnectionHoldsNoBuffer) {
  transport_->start(sink_);
  EXPECT_EQ(loop_.buffers().in_use(), 0);
  peer_->send(pattern(200'000));
  ASSERT_TRUE(until([this] { return sink_.received.size() == 200'000; }));
  EXPECT_EQ(loop_.buffers().in_use(), 0);
}

TEST_P(TransportTest, TellsBothAddresses) {
  EXPECT_EQ(transport_->info().local, listener_->local_address());
  EXPECT_TRUE(transport_->info().peer.is_loopback());
  EXPECT_NE(transport_->info().peer.port(), 0);
  EXPECT_EQ(transport_->info().tls != nullptr, GetParam() == Kind::kTls);
}

}  // namespace
}  // namespace portico::net
