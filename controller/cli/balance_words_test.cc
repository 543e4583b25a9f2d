#include "controller/cli/balance_words.h"

#include <gtest/gtest.h>

namespace portico::cli {
namespace {

using routing::AffinitySpec;
using routing::BalanceSpec;
using routing::Strategy;

std::string words(const BalanceSpec& balance, Strategy by_default = Strategy::kRoundRobin) {
  return balance_words(&balance, by_default);
}

TEST(BalanceWords, RoundRobinGoesWithoutSaying) {
  EXPECT_EQ(balance_words(nullptr, Strategy::kRoundRobin), "");
  EXPECT_EQ(words({}), "");
  EXPECT_EQ(words({.strategy = Strategy::kRoundRobin}, Strategy::kEwma), "");
}

TEST(BalanceWords, WhatNobodyAsksForIsTheDefault) {
  EXPECT_EQ(balance_words(nullptr, Strategy::kEwma), "peak EWMA of two drawn by lot");
  EXPECT_EQ(words({}, Strategy::kRandom), "by lot");
}

kube::Service service(std::string_view name, std::string_view value) {
  kube::Service service;
  service.meta.annotations.emplace(name, value);
  return service;
}

TEST(BalanceWords, SayWhereItIsTheServiceThatAsks) {
  constexpr auto kByDefault = Strategy::kRoundRobin;
  const auto ewma = words({.strategy = Strategy::kEwma});
  EXPECT_TRUE(is_asked_by(service("portico.dev/load-balance", "ewma"), ewma, kByDefault));
  EXPECT_FALSE(is_asked_by(service("portico.dev/load-balance", "random"), ewma, kByDefault));
  EXPECT_FALSE(is_asked_by(service("example.com/load-balance", "ewma"), ewma, kByDefault));
  // What is so anyway, nobody asks for.
  EXPECT_FALSE(is_asked_by(service("portico.dev/load-balance", "ewma"), ewma, Strategy::kEwma));
}

TEST(BalanceWords, AffinityComesBeforeHashingAndHashingBeforeTheStrategy) {
  BalanceSpec balance{.strategy = Strategy::kLeastRequests};
  EXPECT_EQ(words(balance), "least requests of two drawn by lot");
  balance.hash_by = "$remote_addr";
  EXPECT_EQ(words(balance), "by the hash of $remote_addr");
  balance.hash_subset = true;
  EXPECT_EQ(words(balance), "by the hash of $remote_addr, one of 3 by lot");
  balance.affinity = AffinitySpec();
  EXPECT_EQ(words(balance), "by the cookie INGRESSCOOKIE, balanced");
  balance.affinity = AffinitySpec{.cookie_name = "A", .persistent = true};
  EXPECT_EQ(words(balance), "by the cookie A, persistent");
}

}  // namespace
}  // namespace portico::cli
