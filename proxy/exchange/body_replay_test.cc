#include "proxy/exchange/body_replay.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace portico::exchange {
namespace {

std::string text_of(const BodyReplay& replay) {
  return {replay.bytes().begin(), replay.bytes().end()};
}

TEST(BodyReplay, HoldsWhatWasTaken) {
  ReplayBuffers buffers;
  BodyReplay replay(buffers);
  replay.begin(true);
  EXPECT_TRUE(replay.holds_all());
  EXPECT_EQ(text_of(replay), "");
  replay.add(std::string_view("ab"));
  replay.add(std::string_view("cd"));
  EXPECT_TRUE(replay.holds_all());
  EXPECT_EQ(text_of(replay), "abcd");
}

TEST(BodyReplay, HoldsABodyUpToItsBoundAndNoneBeyond) {
  ReplayBuffers buffers;
  BodyReplay replay(buffers);
  replay.begin(true);
  const std::string all(ReplayBuffers::kBytes, 'x');
  replay.add(all);
  EXPECT_TRUE(replay.holds_all());
  EXPECT_EQ(text_of(replay), all);
  replay.add(std::string_view("y"));
  EXPECT_FALSE(replay.holds_all());
  EXPECT_EQ(text_of(replay), "");
}

TEST(BodyReplay, HoldsNothingOfARequestThatIsSentOnce) {
  ReplayBuffers buffers;
  BodyReplay replay(buffers);
  replay.begin(false);
  EXPECT_TRUE(replay.holds_all()) << "nothing was taken";
  replay.add(std::string_view("ab"));
  EXPECT_FALSE(replay.holds_all());
}

TEST(BodyReplay, TakesNothingInOnceItHasStopped) {
  ReplayBuffers buffers;
  BodyReplay replay(buffers);
  replay.begin(true);
  replay.stop();
  replay.add(std::string_view("ab"));
  EXPECT_FALSE(replay.holds_all());
  EXPECT_EQ(text_of(replay), "");
}

TEST(BodyReplay, UsesABufferAgain) {
  ReplayBuffers buffers;
  BodyReplay first(buffers);
  BodyReplay second(buffers);
  first.begin(true);
  first.add(std::string_view("ab"));
  const auto* const buffer = first.bytes().data();
  first.stop();
  second.begin(true);
  second.add(std::string_view("cd"));
  EXPECT_EQ(second.bytes().data(), buffer);
  EXPECT_EQ(text_of(second), "cd");
}

}  // namespace
}  // namespace portico::exchange
