// When requests are tried at another endpoint, as ingress-nginx's values say it.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string_view>

#include "routing/policy.h"

namespace portico::translate {

// Each reads a value into policy.retries, or says what the value must be instead.

// Words with spaces between them; "off" among others turns all of it off, as in nginx.
std::expected<void, std::string_view> read_next_upstream(std::string_view text,
                                                         routing::Policy& policy);
// A whole number; 0: no limit.
std::expected<void, std::string_view> read_next_upstream_tries(std::string_view text,
                                                               routing::Policy& policy);
// Whole seconds up to a year; 0: no limit.
std::expected<void, std::string_view> read_next_upstream_timeout(std::string_view text,
                                                                 routing::Policy& policy);
// For every route, whatever its own list names.
std::expected<void, std::string_view> read_retry_non_idempotent(std::string_view text,
                                                                routing::Policy& policy);

}  // namespace portico::translate
