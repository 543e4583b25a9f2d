#include "proxy/exchange/reaper.h"

#include <functional>

#include <gtest/gtest.h>

namespace portico::exchange {
namespace {

struct Dying final : Mortal {
  explicit Dying(std::function<void()> at_death_given) : at_death(std::move(at_death_given)) {}
  ~Dying() override { at_death(); }
  std::function<void()> at_death;
};

TEST(Reaper, FreesFromTheLoopOnly) {
  net::Loop loop;
  Reaper reaper(loop);
  int deaths = 0;
  reaper.take(std::make_unique<Dying>([&] { ++deaths; }));
  EXPECT_EQ(deaths, 0);
  loop.run_until([&] { return deaths == 1; }, std::chrono::seconds(60));
  EXPECT_EQ(deaths, 1);
}

TEST(Reaper, TakesWhatTheDyingBringWithThem) {
  net::Loop loop;
  Reaper reaper(loop);
  int deaths = 0;
  for (int i = 0; i < 100; ++i) {
    reaper.take(std::make_unique<Dying>(
        [&] { reaper.take(std::make_unique<Dying>([&deaths] { ++deaths; })); }));
  }
  loop.run_until([&] { return deaths == 100; }, std::chrono::seconds(60));
  EXPECT_EQ(deaths, 100);
}

}  // namespace
}  // namespace portico::exchange
