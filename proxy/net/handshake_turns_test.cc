#include "proxy/net/handshake_turns.h"

#include <gtest/gtest.h>

#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/net/testing/peer.h"
#include "proxy/net/tls_transport.h"
#include "tls/engine.h"

namespace portico::net {
namespace {

using namespace std::chrono_literals;

struct Waiting final : HandshakeTurns::Waiter {
  void on_turn() override { ++turns; }
  int turns = 0;
};

TEST(HandshakeTurns, OneIsTakenInATurnAndTheFirstToWaitIsNext) {
  HandshakeTurns turns;
  Waiting first;
  Waiting second;
  EXPECT_TRUE(turns.take());
  EXPECT_FALSE(turns.take());
  turns.wait(first);
  turns.wait(second);
  turns.end_turn();
  EXPECT_EQ(first.turns, 1);
  EXPECT_FALSE(turns.take());
  turns.end_turn();
  EXPECT_EQ(second.turns, 1);
  turns.end_turn();
  EXPECT_TRUE(turns.idle());
  EXPECT_TRUE(turns.take());
}

TEST(HandshakeTurns, WhoDiesWaitsNoMore) {
  HandshakeTurns turns;
  Waiting second;
  {
    Waiting first;
    turns.wait(first);
    turns.wait(second);
  }
  turns.end_turn();
  EXPECT_EQ(second.turns, 1);
}

// A handshake of one dear step.
class OneStep final : public tls::Engine {
 public:
  explicit OneStep(int& steps) : steps_(steps) {}

  void feed(std::span<const char> ciphertext) override { input_ = ciphertext; }
  [[nodiscard]] std::size_t unread() const override { return input_.size(); }
  tls::Status handshake() override {
    if (input_.empty()) {
      return tls::Status::kWantInput;
    }
    input_ = {};
    ++steps_;
    return tls::Status::kOk;
  }
  tls::Progress read(std::span<char>) override { return {tls::Status::kWantInput, 0}; }
  tls::Progress write(std::span<const char> plaintext) override {
    return {tls::Status::kOk, plaintext.size()};
  }
  tls::Status close_notify() override { return tls::Status::kOk; }
  [[nodiscard]] std::span<const char> output() const override { return {}; }
  void consume_output(std::size_t) override {}
  [[nodiscard]] std::string_view failure() const override { return {}; }
  [[nodiscard]] std::string_view sni() const override { return {}; }
  [[nodiscard]] std::string_view alpn() const override { return {}; }
  [[nodiscard]] std::string_view protocol() const override { return {}; }
  [[nodiscard]] std::string_view cipher() const override { return {}; }
  [[nodiscard]] bool resumed() const override { return false; }
  [[nodiscard]] tls::CertificateStore::Reason certificate_reason() const override {
    return tls::CertificateStore::Reason::kName;
  }

 private:
  int& steps_;
  std::span<const char> input_;
};

struct Echo final : TransportSink {
  explicit Echo(std::unique_ptr<Transport> t) : transport(std::move(t)) { transport->start(*this); }
  std::size_t on_bytes(std::span<char> bytes) override {
    const iovec piece{bytes.data(), bytes.size()};
    transport->write({&piece, 1});
    return bytes.size();
  }
  void on_end() override {}
  void on_drained() override {}
  void on_error(TransportError) override {}
  std::unique_ptr<Transport> transport;
};

TEST(HandshakeTurns, ACrowdOfHandshakesLetsAWarmConnectionThrough) {
  constexpr int kCrowd = 40;
  Loop loop;
  int steps = 0;
  int done = 0;
  std::unique_ptr<Echo> warm;
  std::vector<std::unique_ptr<TlsHandshake>> handshakes;
  std::vector<std::unique_ptr<Transport>> shaken;
  const auto listener =
      *Listener::open(loop, *SocketAddress::from("127.0.0.1", 0), [&](AcceptedSocket socket) {
        auto transport = make_tcp_transport(loop, std::move(socket));
        if (warm == nullptr) {
          warm = std::make_unique<Echo>(std::move(transport));
          return;
        }
        handshakes.push_back(std::make_unique<TlsHandshake>(
            loop, std::move(transport), std::make_unique<OneStep>(steps), 60s, [&](auto result) {
              shaken.push_back(std::move(*result));
              ++done;
            }));
      });
  const auto peer = testing::connect_plain(listener->local_address());
  ASSERT_TRUE(loop.run_until([&] { return warm != nullptr; }, 60s));
  std::vector<std::unique_ptr<testing::Peer>> crowd;
  for (int i = 0; i < kCrowd; ++i) {
    crowd.push_back(testing::connect_plain(listener->local_address()));
  }
  ASSERT_TRUE(loop.run_until([&] { return handshakes.size() == kCrowd; }, 60s));
  for (const auto& one : crowd) {
    one->send("hello");
  }
  int rounds = 0;
  peer->send("x");
  ASSERT_TRUE(loop.run_until(
      [&] {
        peer->drive();
        if (!peer->received().empty()) {
          peer->received().clear();
          ++rounds;
          peer->send("x");
        }
        return done == kCrowd;
      },
      60s));
  EXPECT_EQ(steps, kCrowd);
  EXPECT_GE(rounds, kCrowd / 4);
}

}  // namespace
}  // namespace portico::net
