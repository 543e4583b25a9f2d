#include "controller/cli/circuit_words.h"

#include <gtest/gtest.h>

namespace portico::cli {
namespace {

using namespace std::chrono_literals;
using routing::BalanceSpec;
using routing::CircuitSpec;

TEST(CircuitWords, SayWhatIsLimited) {
  const auto words = [](const CircuitSpec& circuit) {
    const BalanceSpec balance{.circuit = circuit};
    return circuit_words(&balance, {});
  };
  EXPECT_EQ(words({}), "");
  EXPECT_EQ(words({.max_requests = 0, .max_pending = 5, .queue_timeout = 1s}), "");
  EXPECT_EQ(words({.max_requests = 10}), "10 requests");
  EXPECT_EQ(words({.max_connections = 5, .max_requests = 10, .max_pending = 9, .max_retries = 3}),
            "5 connections, 10 requests, 3 retries");
  EXPECT_EQ(words({.max_requests = 10, .queue_timeout = 2500ms}),
            "10 requests, 1024 in line for up to 2.5 s");
  EXPECT_EQ(words({.max_requests = 10, .max_pending = 100, .queue_timeout = 5s}),
            "10 requests, 100 in line for up to 5 s");
  EXPECT_EQ(words({.queue_timeout = 5s, .adaptive = true}),
            "requests by their latency, 1024 in line for up to 5 s");
}

TEST(CircuitWords, ComeFromTheConfigMapWhereTheBackendSaysNothing) {
  const CircuitSpec by_default{.max_requests = 10, .max_retries = 2};
  EXPECT_EQ(circuit_words(nullptr, by_default), "10 requests, 2 retries");
  const BalanceSpec balance{.circuit = {.max_requests = 0}};
  EXPECT_EQ(circuit_words(&balance, by_default), "2 retries");
}

}  // namespace
}  // namespace portico::cli
