#include "routing/success_rate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "routing/balance.h"

namespace portico::routing {
namespace {

double choose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

// That `one` has so many failures or more where any `failures` of all tries fail.
double exact_chance(const TryCount& one, const TryCount& others) {
  const auto tries = static_cast<double>(one.tries + others.tries);
  const auto failures = static_cast<double>(one.failures + others.failures);
  const auto mine = static_cast<double>(one.tries);
  double sum = 0;
  for (auto x = static_cast<double>(one.failures); x <= std::min(failures, mine); ++x) {
    if (failures - x <= tries - mine) {
      sum +=
          std::exp(choose(mine, x) + choose(tries - mine, failures - x) - choose(tries, failures));
    }
  }
  return sum;
}

TEST(LogChance, IsNeverBelowTheExactOne) {
  int below_one = 0;
  for (const std::uint64_t mine : {1, 7, 40, 200}) {
    for (const std::uint64_t theirs : {1, 30, 80, 1'000}) {
      for (std::uint64_t x = 0; x <= std::min<std::uint64_t>(mine, 40); ++x) {
        for (std::uint64_t y = 0; y <= std::min<std::uint64_t>(theirs, 20); ++y) {
          const TryCount one{.tries = mine, .failures = x};
          const TryCount others{.tries = theirs, .failures = y};
          const auto bound = std::exp(log_chance(one, others));
          EXPECT_GE(bound * (1 + 1e-9), exact_chance(one, others))
              << x << " of " << mine << ", " << y << " of " << theirs;
          below_one += bound < 1e-3 ? 1 : 0;
        }
      }
    }
  }
  EXPECT_GT(below_one, 100) << "it says nothing";
}

TEST(LogChance, SaysNothingOfWhoIsAloneOrNoWorse) {
  EXPECT_EQ(log_chance({.tries = 100, .failures = 50}, {}), 0);
  EXPECT_EQ(log_chance({}, {.tries = 100, .failures = 50}), 0);
  EXPECT_EQ(log_chance({.tries = 100, .failures = 5}, {.tries = 100, .failures = 5}), 0);
  EXPECT_EQ(log_chance({.tries = 100, .failures = 1}, {.tries = 100, .failures = 5}), 0);
  EXPECT_EQ(log_chance({.tries = 100}, {.tries = 100}), 0);
}

// Endpoints that fail by chance, each with a probability of its own.
struct Backend {
  Backend(std::vector<double> shares, std::uint64_t seed) : failing(std::move(shares)), lots(seed) {
    std::vector<std::uint32_t> names(failing.size());
    std::iota(names.begin(), names.end(), 1000U);
    rates.set_endpoints(names);
    out.resize(failing.size());
  }
  // Half a second of so many tries at each.
  std::optional<SuccessRates::Outlier> look(int tries) {
    for (std::size_t i = 0; i < failing.size(); ++i) {
      TryCount count;
      for (int n = 0; n < tries && out[i] == 0; ++n) {
        const auto lot = static_cast<double>(lots.next() >> 11) / 9007199254740992.0;
        count += {.tries = 1, .failures = lot < failing[i] ? 1U : 0U};
      }
      rates.add(i, count);
    }
    return rates.look([this](std::size_t index) { return out[index] != 0; });
  }
  // How many looks it takes to find `endpoint`; `most` where it doesn't.
  int looks_until(std::size_t endpoint, int tries, int most = 200) {
    for (int i = 1; i < most; ++i) {
      if (const auto found = look(tries)) {
        EXPECT_EQ(found->endpoint, endpoint);
        EXPECT_GT(found->failing, found->others_failing);
        return i;
      }
    }
    return most;
  }

  std::vector<double> failing;
  Lots lots;
  SuccessRates rates;
  std::vector<char> out;
};

TEST(SuccessRates, FindsInTwoSecondsWhoFailsEveryFifthTry) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Backend three({0.001, 0.2, 0.001}, seed);
    EXPECT_LE(three.looks_until(1, 50), 4) << "300 a second";
    Backend ten({0, 0, 0, 0, 0, 0, 0, 0, 0, 0.2}, seed);
    EXPECT_LE(ten.looks_until(9, 30), 4) << "600 a second";
    Backend two({0.2, 0}, seed);
    EXPECT_LE(two.looks_until(0, 120), 4) << "480 a second";
  }
}

TEST(SuccessRates, FindsItWhereAllFailNowAndThen) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Backend three({0.05, 0.05, 0.3}, seed);
    EXPECT_LE(three.looks_until(2, 50), 20);
  }
}

TEST(SuccessRates, FindsItInAMinuteWhereThereIsLittleToLookAt) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Backend three({0, 0.33, 0}, seed);
    EXPECT_LE(three.looks_until(1, 2), 120) << "12 a second";
  }
}

TEST(SuccessRates, FindsWhatBreaksAfterALongTimeAsSoon) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Backend three({0.001, 0.001, 0.001}, seed);
    EXPECT_EQ(three.looks_until(3, 50, 300), 300);
    three.failing[2] = 0.2;
    EXPECT_LE(three.looks_until(2, 50), 4);
  }
}

TEST(SuccessRates, FindsNobodyWhereAllFailAlike) {
  std::uint64_t seed = 0;
  for (const std::size_t size : {2, 3, 10}) {
    for (const double share : {0.01, 0.05, 0.3, 0.9, 1.0}) {
      for (const int tries : {1, 10, 60}) {
        Backend backend(std::vector<double>(size, share), ++seed);
        EXPECT_EQ(backend.looks_until(size, tries, 400), 400)
            << size << " fail " << share << " of " << tries;
      }
    }
  }
}

TEST(SuccessRates, FindsNobodyWhoIsALittleWorse) {
  Backend near({0.01, 0.01, 0.04}, 1);  // less than 5 points
  EXPECT_EQ(near.looks_until(3, 2'000), 200);
  Backend less_than_twice({0.3, 0.3, 0.5}, 1);
  EXPECT_EQ(less_than_twice.looks_until(3, 2'000), 200);
}

TEST(SuccessRates, HalfOfAllStay) {
  Backend two({0.5, 0}, 1);
  EXPECT_LT(two.looks_until(0, 100), 200);
  Backend three({0.5, 0, 0}, 1);
  three.out[2] = 1;
  EXPECT_EQ(three.looks_until(0, 100), 200);
  Backend one_left({0.5, 0}, 1);
  one_left.out[1] = 1;
  EXPECT_EQ(one_left.looks_until(0, 100), 200);
}

TEST(SuccessRates, FindsTheWorstFirstAndThenTheNext) {
  Backend six({0, 0.3, 0, 0, 0.6, 0}, 1);
  EXPECT_LT(six.looks_until(4, 100), 10);
  six.out[4] = 1;
  EXPECT_LT(six.looks_until(1, 100), 10);
  six.out[1] = 1;
  EXPECT_EQ(six.looks_until(6, 100), 200);
}

TEST(SuccessRates, WhatItDidBeforeItWasOutIsForgotten) {
  Backend three({0, 0, 0}, 1);
  three.rates.add(2, {.tries = 500, .failures = 500});
  three.out[2] = 1;
  EXPECT_FALSE(three.look(50));
  three.out[2] = 0;
  EXPECT_EQ(three.looks_until(2, 50), 200);
}

TEST(SuccessRates, WhatIsKnownOfAnEndpointStaysWhenOthersComeAndGo) {
  SuccessRates rates;
  const auto nobody = [](std::size_t) { return false; };
  rates.set_endpoints(std::vector<std::uint32_t>{1, 2, 3});
  rates.add(0, {.tries = 100});
  rates.add(1, {.tries = 100, .failures = 12});
  rates.add(2, {.tries = 100});
  EXPECT_FALSE(rates.look(nobody)) << "not yet sure";
  rates.set_endpoints(std::vector<std::uint32_t>{2, 4, 3});
  rates.add(0, {.tries = 100, .failures = 30});
  rates.add(2, {.tries = 100});
  const auto found = rates.look(nobody);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->endpoint, 0U);
  EXPECT_DOUBLE_EQ(found->failing, 42.0 / 200);
}

TEST(SuccessRates, IsIdleAfterAMinuteWithoutFailures) {
  Backend three({0.2, 0, 0}, 1);
  three.look(10);
  three.failing[0] = 0;
  for (int i = 0; i < 119; ++i) {
    three.look(10);
    ASSERT_FALSE(three.rates.is_idle());
  }
  for (int i = 0; i < 5; ++i) {
    three.look(10);
  }
  EXPECT_TRUE(three.rates.is_idle());
}

}  // namespace
}  // namespace portico::routing
