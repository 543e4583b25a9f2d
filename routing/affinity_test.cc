#include "routing/affinity.h"

#include <array>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "routing/testing/count_allocations.h"

namespace portico::routing {
namespace {

constexpr std::string_view kBackend = "shop/web:80";

std::vector<std::string> addresses(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) +
                    ":8080");
  }
  return names;
}

AffinityTable balanced(std::span<const std::string> names) {
  return {kBackend, std::make_shared<const HashRing>(names)};
}
AffinityTable persistent(std::span<const std::string> names) {
  return {kBackend, names};
}

bool none(std::size_t /*index*/) {
  return false;
}

// What both modes must do.
class EitherMode : public ::testing::TestWithParam<bool> {
 protected:
  static AffinityTable table(std::span<const std::string> names) {
    return GetParam() ? persistent(names) : balanced(names);
  }
  static AffinityTable table(std::size_t count) { return table(addresses(count)); }
  Lots lots{1};
};

INSTANTIATE_TEST_SUITE_P(Affinity, EitherMode, ::testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Persistent" : "Balanced");
});

TEST_P(EitherMode, ANewSessionGetsAKeyThatLeadsToItsEndpoint) {
  const auto sessions = table(10);
  for (int i = 0; i < 1'000; ++i) {
    const auto choice = choose_by_affinity(sessions, "", false, lots, none);
    ASSERT_TRUE(choice.new_key);
    EXPECT_EQ(choice.new_key->text().size(), 16u);
    const auto again = choose_by_affinity(sessions, choice.new_key->text(), false, lots, none);
    EXPECT_EQ(again.endpoint, choice.endpoint);
    EXPECT_FALSE(again.new_key);
  }
}

TEST_P(EitherMode, NewSessionsAreSpreadEvenly) {
  const auto sessions = table(4);
  std::array<int, 4> count{};
  for (int i = 0; i < 8'000; ++i) {
    ++count.at(choose_by_affinity(sessions, "", false, lots, none).endpoint);
  }
  for (const int of_endpoint : count) {
    EXPECT_NEAR(of_endpoint, 2'000, 250);
  }
}

TEST_P(EitherMode, AnotherReplicaHonoursTheKey) {
  const auto here = table(7);
  const auto there = table(7);
  const auto choice = choose_by_affinity(here, "", false, lots, none);
  EXPECT_EQ(here.backend(), there.backend());
  EXPECT_EQ(there.find(choice.new_key->text()), choice.endpoint);
}

TEST_P(EitherMode, AnotherBackendHasAnotherName) {
  const auto names = addresses(2);
  EXPECT_NE(table(names).backend(), AffinityTable("shop/web:81", names).backend());
  EXPECT_EQ(table(names).backend().size(), 16u);
}

TEST_P(EitherMode, ByChangeOnFailureAFailedEndpointsSessionMovesForGood) {
  const auto sessions = table(3);
  const auto first = choose_by_affinity(sessions, "", true, lots, none);
  const auto failed = [&](std::size_t index) { return index == first.endpoint; };
  const auto second = choose_by_affinity(sessions, first.new_key->text(), true, lots, failed);
  EXPECT_NE(second.endpoint, first.endpoint);
  ASSERT_TRUE(second.new_key);
  EXPECT_EQ(sessions.find(second.new_key->text()), second.endpoint);
}

TEST_P(EitherMode, WithoutChangeOnFailureTheCookieStays) {
  const auto sessions = table(3);
  const auto first = choose_by_affinity(sessions, "", false, lots, none);
  const auto failed = [&](std::size_t index) { return index == first.endpoint; };
  const auto second = choose_by_affinity(sessions, first.new_key->text(), false, lots, failed);
  EXPECT_NE(second.endpoint, first.endpoint);
  EXPECT_FALSE(second.new_key);
}

TEST_P(EitherMode, ANewSessionWhoseFirstTryFailedIsKeptAtTheSecond) {
  const auto sessions = table(3);
  const auto first = choose_by_affinity(sessions, "", false, lots, none);
  const auto failed = [&](std::size_t index) { return index == first.endpoint; };
  const auto second = choose_by_affinity(sessions, "", false, lots, failed);
  EXPECT_NE(second.endpoint, first.endpoint);
  ASSERT_TRUE(second.new_key);
  EXPECT_EQ(sessions.find(second.new_key->text()), second.endpoint);
}

TEST_P(EitherMode, TheOnlyOneLeftIsFound) {
  const auto sessions = table(50);
  const auto all_but_one = [](std::size_t index) { return index != 17; };
  for (const bool change : {false, true}) {
    for (const std::string_view key : {"", "0123456789abcdef"}) {
      EXPECT_EQ(choose_by_affinity(sessions, key, change, lots, all_but_one).endpoint, 17u);
    }
  }
}

TEST_P(EitherMode, WhereAllAreSkippedThereIsNone) {
  const auto sessions = table(5);
  const auto all = [](std::size_t) { return true; };
  const auto own = choose_by_affinity(sessions, "", false, lots, none);
  for (const std::string_view key : {std::string_view(), own.new_key->text()}) {
    for (const bool change : {false, true}) {
      const auto choice = choose_by_affinity(sessions, key, change, lots, all);
      EXPECT_EQ(choice.endpoint, 5u);
      EXPECT_FALSE(choice.new_key);
    }
  }
}

TEST_P(EitherMode, HostileKeysLeadSomewhere) {
  const auto sessions = table(3);
  const auto rows = std::to_array<std::string>({
      "0",
      "10.0.0.1:8080",
      "../../etc/passwd",
      "0123456789abcdeg",
      " 123456789abcdef",
      "-123456789abcdef",
      "ffffffffffffffff",
      "0x23456789abcdef",
      std::string(64, '\xff'),
      std::string("\0\r\n", 3),
  });
  for (const auto& key : rows) {
    EXPECT_LT(choose_by_affinity(sessions, key, false, lots, none).endpoint, 3u) << key;
  }
}

TEST_P(EitherMode, ChoosingAllocatesNothing) {
  const auto sessions = table(100);
  const auto key = choose_by_affinity(sessions, "", false, lots, none).new_key;
  EXPECT_EQ(testing::count_allocations([&] {
              (void)choose_by_affinity(sessions, key->text(), false, lots, none);
              (void)choose_by_affinity(sessions, "", false, lots, none);
            }),
            0u);
}

// ---- where they differ

TEST(BalancedAffinity, AShareOfSessionsMovesWhenAnEndpointComes) {
  const auto before = balanced(addresses(3));
  const auto after = balanced(addresses(4));
  Lots lots(1);
  int moved = 0;
  for (int i = 0; i < 1'000; ++i) {
    const auto choice = choose_by_affinity(before, "", false, lots, none);
    const auto now = choose_by_affinity(after, choice.new_key->text(), false, lots, none);
    EXPECT_FALSE(now.new_key) << "the key still leads somewhere";
    moved += now.endpoint == choice.endpoint ? 0 : 1;
  }
  EXPECT_GT(moved, 200);  // a quarter
  EXPECT_LT(moved, 300);
}

TEST(BalancedAffinity, AStandInIsAlwaysTheSame) {
  const auto sessions = balanced(addresses(5));
  Lots lots(1);
  const auto own = choose_by_affinity(sessions, "", false, lots, none);
  const auto failed = [&](std::size_t index) { return index == own.endpoint; };
  std::set<std::size_t> others;
  for (int i = 0; i < 100; ++i) {
    others.insert(choose_by_affinity(sessions, own.new_key->text(), false, lots, failed).endpoint);
  }
  EXPECT_EQ(others.size(), 1u);
}

TEST(PersistentAffinity, NoSessionMovesWhenEndpointsComeAndOthersGo) {
  auto names = addresses(3);
  const auto before = persistent(names);
  Lots lots(1);
  names.insert(names.begin(), "10.9.9.9:8080");
  names.pop_back();
  const auto after = persistent(names);
  for (int i = 0; i < 100; ++i) {
    const auto choice = choose_by_affinity(before, "", false, lots, none);
    const auto now = choose_by_affinity(after, choice.new_key->text(), false, lots, none);
    if (choice.endpoint == 2) {  // is gone
      ASSERT_TRUE(now.new_key);
      EXPECT_EQ(after.find(now.new_key->text()), now.endpoint);
    } else {
      EXPECT_EQ(now.endpoint, choice.endpoint + 1);
      EXPECT_FALSE(now.new_key);
    }
  }
}

TEST(PersistentAffinity, NewSessionsAreDrawnByWeight) {
  const auto names = addresses(3);
  const std::vector<std::uint32_t> weights{1, 1, 8};
  const AffinityTable sessions(kBackend, names, std::make_shared<const HashRing>(names, weights));
  Lots lots(1);
  std::array<int, 3> count{};
  for (int i = 0; i < 2'000; ++i) {
    const auto choice = choose_by_affinity(sessions, "", false, lots, none);
    ASSERT_TRUE(choice.new_key);
    EXPECT_EQ(sessions.find(choice.new_key->text()), choice.endpoint);
    ++count.at(choice.endpoint);
  }
  EXPECT_NEAR(count[0], 200, 70);
  EXPECT_NEAR(count[2], 1'600, 90);
  const auto last_is_out = [](std::size_t index) { return index == 2; };
  EXPECT_LT(choose_by_affinity(sessions, "", false, lots, last_is_out).endpoint, 2U);
}

TEST(PersistentAffinity, SessionsOfAFailedEndpointAreSpreadOverTheOthers) {
  const auto sessions = persistent(addresses(5));
  Lots lots(1);
  const auto own = choose_by_affinity(sessions, "", false, lots, none);
  const auto failed = [&](std::size_t index) { return index == own.endpoint; };
  std::set<std::size_t> others;
  for (int i = 0; i < 200; ++i) {
    others.insert(choose_by_affinity(sessions, own.new_key->text(), false, lots, failed).endpoint);
  }
  EXPECT_EQ(others.size(), 4u);
}

TEST(PersistentAffinity, AKeyDoesNotSayWhereItsEndpointIs) {
  const auto names = addresses(1);
  const auto here = persistent(names);
  const AffinityTable elsewhere("shop/other:80", names);
  Lots lots(1);
  EXPECT_NE(here.draw(lots, none).new_key->text(), elsewhere.draw(lots, none).new_key->text());
}

}  // namespace
}  // namespace portico::routing
