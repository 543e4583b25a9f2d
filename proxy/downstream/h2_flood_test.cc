// What a hostile client may do to an HTTP/2 connection, and what becomes of it.
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/downstream/h2_connection.h"
#include "proxy/downstream/testing/h2_scene.h"

namespace portico::downstream {
namespace {

using http::H2Error;
using testing::H2Scene;

std::string frame(int type, int flags, std::uint32_t stream, std::string_view payload) {
  std::string bytes;
  const auto size = payload.size();
  for (const auto byte :
       {size >> 16, size >> 8, size, static_cast<std::size_t>(type),
        static_cast<std::size_t>(flags), std::size_t{stream} >> 24, std::size_t{stream} >> 16,
        std::size_t{stream} >> 8, std::size_t{stream}}) {
    bytes.push_back(static_cast<char>(byte & 0xff));
  }
  return bytes.append(payload);
}

constexpr int kEndStream = 1;
constexpr int kEndHeaders = 4;
constexpr int kPadded = 8;

// GET / of a.example, without the dynamic table: 82 = GET, 86 = http, 84 = "/", 01 = authority.
const std::string kGetBlock = std::string("\x82\x86\x84\x01\x09") + "a.example";
const std::string kRefusedBlock = std::string("\x82\x86\x84\x01\x09") + "b.example";
const std::string kPostBlock = std::string("\x83\x86\x84\x01\x09") + "a.example";

std::string four(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

struct Flood {
  const char* name;
  std::function<std::string(std::uint32_t)> bytes_of;  // the nth of them
};

// The error of the last GOAWAY that came; -1: none came.
int last_goaway(std::string_view bytes) {
  int error = -1;
  while (bytes.size() >= 9) {
    const auto at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const std::size_t size = std::size_t{at(0)} << 16 | std::size_t{at(1)} << 8 | at(2);
    if (at(3) == 7) {
      error = at(16);
    }
    bytes.remove_prefix(9 + size);
  }
  return error;
}

TEST(H2Flood, EndsTheConnectionThatFloods) {
  const Flood floods[] = {
      {"ping", [](std::uint32_t) { return frame(6, 0, 0, "12345678"); }},
      {"settings", [](std::uint32_t) { return frame(4, 0, 0, ""); }},
      {"priority",
       [](std::uint32_t n) { return frame(2, 0, 2 * n + 1, std::string("\0\0\0\0\1", 5)); }},
      {"window", [](std::uint32_t) { return frame(8, 0, 0, four(1)); }},
      {"rapid reset",
       [](std::uint32_t n) {
         return frame(1, kEndHeaders | kEndStream, 2 * n + 1, kGetBlock) +
                frame(3, 0, 2 * n + 1, four(8));
       }},
      {"rapid reset between refusals",
       [](std::uint32_t n) {
         return frame(1, kEndHeaders | kEndStream, 4 * n + 1, kRefusedBlock) +
                frame(1, kEndHeaders | kEndStream, 4 * n + 3, kGetBlock) +
                frame(3, 0, 4 * n + 3, four(8));
       }},
      {"made you reset: window overflow",
       [](std::uint32_t n) {
         return frame(1, kEndHeaders, 2 * n + 1, kPostBlock) +
                frame(8, 0, 2 * n + 1, four(0x7fffffff));
       }},
      {"made you reset: bad field",
       [](std::uint32_t n) {
         return frame(1, kEndHeaders | kEndStream, 2 * n + 1,
                      kGetBlock + std::string("\0\1A\1b", 5));
       }},
      {"empty data",
       [](std::uint32_t n) {
         return (n == 0 ? frame(1, kEndHeaders, 1, kPostBlock) : "") + frame(0, 0, 1, "");
       }},
      {"padding for data",
       [](std::uint32_t n) {
         return (n == 0 ? frame(1, kEndHeaders, 1, kPostBlock) : "") +
                frame(0, kPadded, 1, std::string("\2\0\0", 3));
       }},
      {"goaway",
       [](std::uint32_t n) {
         return (n == 0 ? frame(1, kEndHeaders, 1, kPostBlock) : "") +
                frame(7, 0, 0, four(0) + four(0));
       }},
  };
  for (const auto& flood : floods) {
    H2Scene scene;
    scene.deaf = true;  // it never opened the streams it hears of
    std::uint32_t sent = 0;
    while (sent < 20'000 && !scene.wire.finished) {
      std::string bytes;
      for (int i = 0; i < 100; ++i) {
        bytes += flood.bytes_of(sent++);
      }
      scene.wire.receive(bytes);
      scene.turn();
      EXPECT_LE(scene.h2_streams.spare(), 256U);
    }
    EXPECT_LT(sent, 5'000U) << flood.name;
    EXPECT_EQ(last_goaway(scene.received), static_cast<int>(H2Error::kEnhanceYourCalm))
        << flood.name;
    for (const auto& stream : scene.worker.upstreams.streams) {
      ASSERT_TRUE(stream->released()) << flood.name;
    }
  }
}

// Each is unpacked, though it is answered by nothing.
TEST(H2Flood, EndsHeadsThatOpenNoStream) {
  H2Scene scene;
  scene.get();
  scene.turn();
  scene.connection->drain();
  scene.turn();
  ASSERT_EQ(last_goaway(scene.received.substr(scene.received.size() - 17)), 0) << "it leaves";
  scene.deaf = true;
  std::uint32_t sent = 0;
  while (sent < 20'000 && !scene.wire.finished) {
    std::string bytes;
    for (int n = 0; n < 100; ++n) {
      bytes += frame(1, kEndHeaders | kEndStream, 2 * ++sent + 1, kGetBlock);
    }
    scene.wire.receive(bytes);
    scene.turn();
  }
  EXPECT_LT(sent, 5'000U);
  EXPECT_EQ(scene.requests(), 1U);
}

TEST(H2Flood, EndsAHeadThatDoesNotEnd) {
  H2Scene scene;
  scene.wire.receive(frame(1, 0, 1, kGetBlock));
  for (int i = 0; i < 100 && !scene.wire.finished; ++i) {
    scene.wire.receive(frame(9, 0, 1, std::string("\0\1a\1b", 5)));
  }
  scene.turn();
  EXPECT_TRUE(scene.wire.finished);
  EXPECT_EQ(scene.requests(), 0U);
}

// A field of 4000 bytes into the table, then a byte for each copy of it.
std::string copies_of_a_field(std::size_t count) {
  return kGetBlock + std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4000, 'v') +
         std::string(count, '\xbe');
}

TEST(H2Flood, SendsAwayWhoeverSendsABomb) {
  const std::string empty_cookies = kGetBlock + std::string(16'000, '\xa0');
  for (const auto& block : {copies_of_a_field(12'000), empty_cookies}) {
    H2Scene scene;
    scene.deaf = true;
    scene.wire.receive(frame(1, kEndHeaders | kEndStream, 1, block));
    scene.turn();
    EXPECT_EQ(scene.requests(), 0U);
    EXPECT_TRUE(scene.wire.finished);
    EXPECT_EQ(last_goaway(scene.received), static_cast<int>(H2Error::kEnhanceYourCalm));
  }
}

TEST(H2Flood, ForgivesAHeadThatIsTooLargeAFewTimes) {
  H2Scene scene;
  scene.deaf = true;
  std::uint32_t sent = 0;
  while (sent < 100 && !scene.wire.finished) {
    scene.wire.receive(frame(1, kEndHeaders | kEndStream, 2 * ++sent - 1, copies_of_a_field(20)));
    scene.turn();
  }
  EXPECT_EQ(scene.requests(), 0U);
  EXPECT_GT(sent, 2U);
  EXPECT_LE(sent, 10U);
}

TEST(H2Flood, ListensLittleToWhomItHasSentAway) {
  H2Scene scene;
  scene.deaf = true;
  std::size_t sent = 0;
  for (; sent < 10'000'000 && !scene.wire.closed; sent += 16'384) {
    std::string bytes;
    while (bytes.size() < 16'384) {
      bytes += frame(6, 0, 0, "12345678");
    }
    scene.wire.receive(bytes);
    scene.turn();
  }
  EXPECT_LT(sent, 1'000'000U);
}

TEST(H2Flood, BeginsNoRequestThatIsTakenBackAtOnce) {
  H2Scene scene;
  scene.deaf = true;
  const auto get = frame(1, kEndHeaders | kEndStream, 1, kGetBlock);
  const auto reset = frame(3, 0, 1, four(8));
  scene.wire.receive(get + reset + frame(1, kEndHeaders | kEndStream, 3, kGetBlock));
  scene.turn();
  EXPECT_EQ(scene.requests(), 1U);
  EXPECT_EQ(scene.worker.upstreams.streams.size(), 1U);
}

TEST(H2Flood, BeginsNoRequestThatItIsMadeToReset) {
  H2Scene scene;
  scene.deaf = true;
  scene.wire.receive(frame(1, kEndHeaders, 1, kPostBlock) + frame(8, 0, 1, four(0x7fffffff)));
  scene.turn();
  EXPECT_EQ(scene.requests(), 0U);
}

TEST(H2Flood, KeepsNoAcksForAClientThatDoesNotRead) {
  H2Scene scene;
  scene.wire.full = true;
  for (int i = 0; i < 50 && !scene.wire.closed; ++i) {
    std::string bytes;
    for (int n = 0; n < 100; ++n) {
      bytes += frame(6, 0, 0, "12345678");
    }
    scene.wire.receive(bytes);
    scene.worker.run_posted();
  }
  EXPECT_TRUE(scene.wire.closed);
}

// Who has not acknowledged our settings may open more than they allow; each is refused by a frame.
TEST(H2Flood, KeepsNoRefusalsForAClientThatDoesNotRead) {
  H2Scene scene({}, {}, H2Scene::Hearing::kDeaf);
  scene.wire.full = true;
  std::uint32_t sent = 0;
  while (sent < 20'000 && !scene.wire.closed) {
    std::string bytes;
    for (int n = 0; n < 100; ++n) {
      bytes += frame(1, kEndHeaders, 2 * sent++ + 1, kPostBlock);
    }
    scene.wire.receive(bytes);
    scene.worker.run_posted();
  }
  EXPECT_LT(sent, 5'000U);
}

TEST(H2Flood, GivesNoAnswerAwayByteByByte) {
  H2Scene scene({}, {.stream_window = 0});
  scene.get();
  scene.turn();
  scene.backend().answer_head(200);
  scene.backend().answer_body(std::string(60'000, 'x'));
  scene.turn();
  scene.deaf = true;
  std::uint32_t sent = 0;
  while (sent < 20'000 && !scene.wire.finished) {
    for (int n = 0; n < 100; ++n, ++sent) {
      scene.wire.receive(frame(8, 0, 1, four(1)));
    }
    scene.turn();
  }
  EXPECT_LT(sent, 5'000U);
  EXPECT_EQ(last_goaway(scene.received.substr(scene.received.size() - 17)),
            static_cast<int>(H2Error::kEnhanceYourCalm));
}

TEST(H2Flood, HoldsLittleForStreamsWhoseWindowsStayShut) {
  H2Scene scene({}, {.stream_window = 0});
  for (int i = 0; i < 128; ++i) {
    scene.get();
  }
  scene.turn();
  ASSERT_EQ(scene.requests(), 128U);
  for (std::size_t i = 0; i < 128; ++i) {
    scene.backend(i).answer_head(200);
    scene.backend(i).answer_body(std::string(16'000, 'x'));
    EXPECT_FALSE(scene.backend(i).credit) << "asks for no more";
  }
  scene.turn();
  scene.pass(62);
  scene.pass(130);
  for (std::size_t i = 0; i < 128; ++i) {
    EXPECT_TRUE(scene.backend(i).released());
  }
}

TEST(H2Flood, WaitsForNoSlowHead) {
  H2Scene scene;
  scene.wire.receive(frame(1, 0, 1, kGetBlock.substr(0, 3)));
  scene.turn();
  scene.pass(62);
  EXPECT_TRUE(scene.wire.finished || scene.closed);
}

TEST(H2Flood, GivesAClientThatWorksAllTheControlFramesItNeeds) {
  H2Scene scene;
  for (int i = 0; i < 3'000; ++i) {
    scene.get();
    scene.client.submit_ping();
    scene.turn();
    scene.answer("hello");
  }
  EXPECT_TRUE(scene.goaways.empty());
}

}  // namespace
}  // namespace portico::downstream
