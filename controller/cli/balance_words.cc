#include "controller/cli/balance_words.h"

#include <fmt/format.h>

#include "controller/translate/balance_asks.h"
#include "controller/translate/service_annotations.h"

namespace portico::cli {
namespace {

std::string strategy_words(routing::Strategy strategy) {
  using enum routing::Strategy;
  switch (strategy) {
    case kRoundRobin:
      return "";
    case kLeastRequests:
      return "least requests of two drawn by lot";
    case kEwma:
      return "peak EWMA of two drawn by lot";
    case kRandom:
      return "by lot";
  }
  return "";
}

}  // namespace

std::string balance_words(const routing::BalanceSpec* balance, routing::Strategy by_default) {
  if (balance == nullptr) {
    return strategy_words(by_default);
  }
  if (balance->affinity) {
    return fmt::format("by the cookie {}, {}", balance->affinity->cookie_name,
                       balance->affinity->persistent ? "persistent" : "balanced");
  }
  if (!balance->hash_by.empty()) {
    return fmt::format(
        "by the hash of {}{}", balance->hash_by,
        balance->hash_subset ? fmt::format(", one of {} by lot", balance->hash_subset_size) : "");
  }
  return strategy_words(balance->strategy.value_or(by_default));
}

bool is_asked_by(const kube::Service& service, const std::string& words,
                 routing::Strategy by_default) {
  const auto reading = translate::read_service(service);
  const auto own = translate::join({}, reading.asked, false).balance;
  return balance_words(&own, by_default) == words && balance_words(nullptr, by_default) != words;
}

}  // namespace portico::cli
