// load-balance, upstream-hash-by* and service-upstream: read as ingress-nginx reads them, and
// Portico's own strategies.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string_view>

#include "controller/translate/backend_wish.h"
#include "routing/balance_spec.h"

namespace portico::translate {

// round_robin and ewma; Portico's own: least_requests and random.
std::expected<routing::Strategy, std::string_view> read_strategy(std::string_view value);

WishResult read_load_balance(std::string_view value, BackendWish& wish);
WishResult read_hash_by(std::string_view value, BackendWish& wish);
WishResult read_hash_subset(std::string_view value, BackendWish& wish);
WishResult read_hash_subset_size(std::string_view value, BackendWish& wish);

// Whole seconds up to 15 minutes, or "off", which is 0.
std::expected<std::chrono::milliseconds, std::string_view> read_slow_start_length(
    std::string_view value);
WishResult read_slow_start(std::string_view value, BackendWish& wish);

// A percentage, from 0 to 100.
std::expected<std::uint8_t, std::string_view> read_percent(std::string_view value);
WishResult read_panic_threshold(std::string_view value, BackendWish& wish);

WishResult read_service_upstream(std::string_view value, BackendWish& wish);

}  // namespace portico::translate
