#include "controller/translate/balance_values.h"

#include <algorithm>
#include <array>

#include "controller/translate/annotation_values.h"
#include "routing/hash_key.h"

namespace portico::translate {
namespace {

struct NamedStrategy {
  std::string_view name;
  routing::Strategy strategy;
};
constexpr std::array<NamedStrategy, 4> kStrategies{
    {{"round_robin", routing::Strategy::kRoundRobin},
     {"ewma", routing::Strategy::kEwma},
     {"least_requests", routing::Strategy::kLeastRequests},
     {"random", routing::Strategy::kRandom}}};

}  // namespace

std::expected<routing::Strategy, std::string_view> read_strategy(std::string_view value) {
  const auto* const known = std::ranges::find(kStrategies, trim(value), &NamedStrategy::name);
  if (known == kStrategies.end()) {
    return std::unexpected("round_robin, ewma, least_requests or random");
  }
  return known->strategy;
}

WishResult read_load_balance(std::string_view value, BackendWish& wish) {
  const auto strategy = read_strategy(value);
  if (!strategy) {
    return std::unexpected(strategy.error());
  }
  wish.balance.strategy = *strategy;
  return {};
}

WishResult read_hash_by(std::string_view value, BackendWish& wish) {
  if (!value.empty() && !routing::HashKey::parse(value)) {
    return std::unexpected(routing::HashKey::kWanted);
  }
  wish.balance.hash_by = value;
  return {};
}

WishResult read_hash_subset(std::string_view value, BackendWish& wish) {
  const auto on = read_bool(value);
  if (!on) {
    return std::unexpected(on.error());
  }
  wish.balance.hash_subset = *on;
  return {};
}

// As in ingress-nginx, 0 is the default.
WishResult read_hash_subset_size(std::string_view value, BackendWish& wish) {
  static_assert(routing::kMaxHashSubset == 64);
  const auto size = read_count(value);
  if (!size || *size > routing::kMaxHashSubset) {
    return std::unexpected("a number from 1 to 64");
  }
  wish.balance.hash_subset_size =
      *size == 0 ? routing::BalanceSpec().hash_subset_size : static_cast<std::uint32_t>(*size);
  return {};
}

std::expected<std::chrono::milliseconds, std::string_view> read_slow_start_length(
    std::string_view value) {
  constexpr std::uint64_t kMostSeconds = 900;
  const auto text = trim(value);
  const auto seconds = text == "off" ? 0 : read_count(text);
  if (!seconds || *seconds > kMostSeconds) {
    return std::unexpected("off, or a whole number of seconds up to 900 without a unit (\"30\")");
  }
  return std::chrono::seconds(*seconds);
}

WishResult read_slow_start(std::string_view value, BackendWish& wish) {
  const auto length = read_slow_start_length(value);
  if (!length) {
    return std::unexpected(length.error());
  }
  wish.balance.slow_start = *length;
  return {};
}

std::expected<std::uint8_t, std::string_view> read_percent(std::string_view value) {
  const auto percent = read_count(value);
  if (!percent || *percent > 100) {
    return std::unexpected("a number from 0 to 100, in percent");
  }
  return static_cast<std::uint8_t>(*percent);
}

WishResult read_panic_threshold(std::string_view value, BackendWish& wish) {
  const auto percent = read_percent(value);
  if (!percent) {
    return std::unexpected(percent.error());
  }
  wish.balance.panic_percent = *percent;
  return {};
}

WishResult read_service_upstream(std::string_view value, BackendWish& wish) {
  const auto on = read_bool(value);
  if (!on) {
    return std::unexpected(on.error());
  }
  wish.service_upstream = *on;
  return {};
}

}  // namespace portico::translate
