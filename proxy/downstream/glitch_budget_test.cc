#include "proxy/downstream/glitch_budget.h"

#include <gtest/gtest.h>

namespace portico::downstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr GlitchBudget::Clock::time_point kStart{};

int spend_all(GlitchBudget& budget, Glitch glitch, GlitchBudget::Clock::time_point now) {
  int count = 0;
  while (budget.spend(glitch, now)) {
    ++count;
  }
  return count;
}

TEST(GlitchBudget, AllowsABurstAndNoMore) {
  struct Row {
    Glitch glitch;
    int burst;
  };
  for (const auto& [glitch, burst] :
       {Row{Glitch::kReset, 200}, Row{Glitch::kClientFault, 100}, Row{Glitch::kSettings, 100},
        Row{Glitch::kPing, 1000}, Row{Glitch::kEmptyData, 400}, Row{Glitch::kPriority, 2000}}) {
    GlitchBudget budget(kStart);
    EXPECT_EQ(spend_all(budget, glitch, kStart), burst);
  }
}

TEST(GlitchBudget, ComesBackWithTime) {
  GlitchBudget budget(kStart);
  spend_all(budget, Glitch::kPing, kStart);
  EXPECT_FALSE(budget.spend(Glitch::kPing, kStart + milliseconds(10)));
  EXPECT_EQ(spend_all(budget, Glitch::kPing, kStart + seconds(2)), 98)
      << "100 points a second, less what was owed";
}

TEST(GlitchBudget, HoldsNoMoreThanABurstHoweverLongItRests) {
  GlitchBudget budget(kStart);
  spend_all(budget, Glitch::kReset, kStart);
  EXPECT_LE(spend_all(budget, Glitch::kReset, kStart + seconds(86'400)), 200);
}

TEST(GlitchBudget, IsPaidByUse) {
  GlitchBudget budget(kStart);
  for (int i = 0; i < 100'000; ++i) {
    budget.earn(GlitchBudget::kForDataSent);
    ASSERT_TRUE(budget.spend(Glitch::kWindowUpdate, kStart));
    ASSERT_TRUE(budget.spend(Glitch::kWindowUpdate, kStart));
  }
  for (int i = 0; i < 100'000; ++i) {
    budget.earn(GlitchBudget::kForAnswer);
    ASSERT_TRUE(budget.spend(Glitch::kReset, kStart)) << "a reset for each answer that was taken";
  }
}

}  // namespace
}  // namespace portico::downstream
