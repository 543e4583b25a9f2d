#include "proxy/net/send_batch.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/tcp_transport.h"
#include "proxy/net/testing/peer.h"
#include "proxy/net/testing/recording_sink.h"

namespace portico::net {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Sends = std::vector<std::string>;

struct Sender final : BatchedSender {
  Sender(std::string n, Sends& s) : name(std::move(n)), sends(s) {}
  void send_batched(std::span<const char> bytes) override {
    sends.push_back(name + ":" + std::string(bytes.data(), bytes.size()));
  }
  std::string name;
  Sends& sends;
};

void add(SendBatch& batch, Sender& sender, std::string_view bytes) {
  const iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  batch.add(sender, {&piece, 1}, bytes.size());
}

struct SendBatchTest : ::testing::Test {
  BufferPool pool;
  SendBatch batch{pool};
  Sends sends;
  Sender a{"a", sends};
  Sender b{"b", sends};
};

TEST_F(SendBatchTest, SendsInOrderOfTheFirstWritesWhenTheTurnEnds) {
  add(batch, a, "one");
  add(batch, b, "two");
  EXPECT_THAT(sends, IsEmpty());
  batch.flush_all();
  EXPECT_THAT(sends, ElementsAre("a:one", "b:two"));
}

TEST_F(SendBatchTest, JoinsWritesOfOneSenderThatFollowEachOther) {
  add(batch, a, "one");
  add(batch, a, "two");
  batch.flush_all();
  EXPECT_THAT(sends, ElementsAre("a:onetwo"));
}

TEST_F(SendBatchTest, KeepsTheOrderOfASenderThatComesBackAfterAnother) {
  add(batch, a, "one");
  add(batch, b, "two");
  add(batch, a, "three");
  batch.flush_all();
  EXPECT_THAT(sends, ElementsAre("a:one", "b:two", "a:three"));
}

TEST_F(SendBatchTest, FlushingOneSenderLeavesTheOthersWaiting) {
  add(batch, a, "one");
  add(batch, b, "two");
  batch.flush(a);
  EXPECT_THAT(sends, ElementsAre("a:one"));
  batch.flush(a);
  batch.flush_all();
  EXPECT_THAT(sends, ElementsAre("a:one", "b:two"));
}

TEST_F(SendBatchTest, IsBoundedByOneBufferAndHoldsNoneBetweenTurns) {
  const std::string chunk(SendBatch::kMaxWrite, 'x');
  std::size_t written = 0;
  while (sends.empty()) {
    ASSERT_LE(written, BufferPool::kLarge);
    add(batch, a, chunk);
    written += chunk.size();
  }
  EXPECT_EQ(sends[0].size(), 2 + written - chunk.size());
  EXPECT_EQ(pool.in_use(), 1);
  batch.flush_all();
  EXPECT_EQ(pool.in_use(), 0);
  EXPECT_EQ(sends.size(), 2);
}

// Two connections that become readable in the same turn, so that the first one's writes wait.
struct BusyTurnTest : ::testing::Test {
  struct Side {
    std::unique_ptr<testing::Peer> peer;
    std::unique_ptr<Transport> transport;
    testing::RecordingSink sink;
  };

  void SetUp() override {
    auto listener =
        *Listener::open(loop, *SocketAddress::from("127.0.0.1", 0), [this](AcceptedSocket socket) {
          sides[accepted++].transport = make_tcp_transport(loop, std::move(socket));
        });
    for (Side& side : sides) {
      side.peer = testing::connect_plain(listener->local_address());
    }
    ASSERT_TRUE(loop.run_until([this] { return accepted == 2; }, 60s));
    for (Side& side : sides) {
      side.transport->start(side.sink);
    }
  }

  bool until(const std::function<bool()>& done) {
    return loop.run_until(
        [&] {
          for (Side& side : sides) {
            side.peer->drive();
          }
          return done();
        },
        60s);
  }

  // Both speak at once; the one that is handled first answers by `answer`.
  Side& answer_first(const std::function<void(Side&)>& answer) {
    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < 2; ++i) {
      sides[i].sink.before_take = [this, &first, &answer, i] {
        if (!first) {
          first = i;
          answer(sides[i]);
        }
      };
    }
    for (Side& side : sides) {
      side.peer->send("hello");
    }
    EXPECT_TRUE(until([&] { return sides[0].sink.offers > 0 && sides[1].sink.offers > 0; }));
    return sides[*first];
  }

  Loop loop;
  std::size_t accepted = 0;
  std::array<Side, 2> sides;
};

TEST_F(BusyTurnTest, SmallAndLargeWritesArriveInOrder) {
  const std::string large(3 * SendBatch::kMaxWrite, 'L');
  Side& side = answer_first([&](Side& s) {
    EXPECT_TRUE(testing::write(*s.transport, "small"));
    testing::write(*s.transport, large);
    testing::write(*s.transport, "last");
  });
  const std::string wanted = "small" + large + "last";
  EXPECT_TRUE(until([&] { return side.peer->received().size() == wanted.size(); }));
  EXPECT_EQ(side.peer->received(), wanted);
}

TEST_F(BusyTurnTest, WhatWaitsIsSentBeforeTheEnd) {
  Side& side = answer_first([](Side& s) {
    testing::write(*s.transport, "bye");
    s.transport->finish_writing();
  });
  EXPECT_TRUE(until([&] { return side.peer->ended(); }));
  EXPECT_EQ(side.peer->received(), "bye");
}

TEST_F(BusyTurnTest, WhatWaitsIsSentBeforeTheTransportDies) {
  Side& side = answer_first([](Side& s) {
    testing::write(*s.transport, "bye");
    s.transport.reset();
  });
  EXPECT_TRUE(until([&] { return side.peer->ended() || side.peer->was_reset(); }));
  EXPECT_EQ(side.peer->received(), "bye");
}

TEST_F(BusyTurnTest, AFullSocketKeepsTheOrderAndTellsOnceItIsEmpty) {
  std::string wanted;
  for (Side& side : sides) {
    side.peer->stop_reading();
  }
  Side& side = answer_first([&](Side& s) {
    bool all_sent = true;
    while (all_sent) {
      const std::string chunk(SendBatch::kMaxWrite, static_cast<char>('a' + wanted.size() % 26));
      wanted += chunk + chunk + "|";
      all_sent = testing::write(*s.transport, chunk + chunk);
      all_sent = testing::write(*s.transport, "|") && all_sent;
    }
  });
  side.peer->start_reading();
  EXPECT_TRUE(until([&] { return side.sink.drains == 1; }));
  EXPECT_TRUE(until([&] { return side.peer->received().size() == wanted.size(); }));
  EXPECT_EQ(side.peer->received(), wanted);
}

}  // namespace
}  // namespace portico::net
