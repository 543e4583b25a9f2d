#include "proxy/exchange/retry_budget.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace portico::exchange {
namespace {

int spend_all(RetryBudget& budget) {
  int spent = 0;
  while (budget.spend()) {
    ++spent;
  }
  return spent;
}

TEST(RetryBudget, StartsFull) {
  RetryBudget budget;
  EXPECT_EQ(spend_all(budget), 50);
}

TEST(RetryBudget, EarnsATokenByFiveSuccesses) {
  RetryBudget budget;
  spend_all(budget);
  for (int i = 0; i < 4; ++i) {
    budget.earn();
    EXPECT_FALSE(budget.spend());
  }
  budget.earn();
  EXPECT_TRUE(budget.spend());
  EXPECT_FALSE(budget.spend());
}

TEST(RetryBudget, HoldsNoMoreThanItsCap) {
  RetryBudget budget;
  for (int i = 0; i < 1000; ++i) {
    budget.earn();
  }
  EXPECT_EQ(spend_all(budget), 50);
}

TEST(RetryBudget, IsFullForItsNextBackend) {
  RetryBudget budget;
  spend_all(budget);
  budget.refill();
  EXPECT_EQ(spend_all(budget), 50);
}

TEST(RetryBudget, GivesNoTokenTwiceToThreads) {
  RetryBudget budget;
  std::vector<int> spent(4);
  {
    std::vector<std::jthread> threads;
    for (auto& count : spent) {
      threads.emplace_back([&budget, &count] {
        for (int i = 0; i < 1000; ++i) {
          budget.earn();
          count += budget.spend() ? 1 : 0;
        }
      });
    }
  }
  int total = 0;
  for (const auto count : spent) {
    total += count;
  }
  EXPECT_LE(total, 50 + (4 * 1000 / 5));
}

}  // namespace
}  // namespace portico::exchange
