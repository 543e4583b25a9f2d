#include "controller/translate/retry_reading.h"

#include <algorithm>
#include <limits>

#include "controller/translate/annotation_values.h"
#include "routing/retry_words.h"

namespace portico::translate {
namespace {

constexpr std::string_view kOff = "off";

}  // namespace

std::expected<void, std::string_view> read_next_upstream(std::string_view text,
                                                         routing::Policy& policy) {
  constexpr std::string_view kWanted =
      "one or more of error, timeout, invalid_header, http_500, http_502, http_503, http_504, "
      "http_403, http_404, http_429, non_idempotent and off, with spaces between them";
  constexpr std::string_view kSpaces = " \t\r\n";
  routing::RetryConditions on;
  bool is_off = false;
  auto rest = trim(text);
  if (rest.empty()) {
    return std::unexpected(kWanted);
  }
  while (!rest.empty()) {
    const auto length = std::min(rest.find_first_of(kSpaces), rest.size());
    const auto word = rest.substr(0, length);
    rest = trim(rest.substr(length));
    const auto* const known =
        std::ranges::find(routing::kRetryWords, word, &routing::RetryWord::word);
    if (known != routing::kRetryWords.end()) {
      on.add(known->on);
    } else if (word == kOff) {
      is_off = true;
    } else {
      return std::unexpected(kWanted);
    }
  }
  policy.retries.on = is_off ? routing::RetryConditions() : on;
  return {};
}

std::expected<void, std::string_view> read_next_upstream_tries(std::string_view text,
                                                               routing::Policy& policy) {
  const auto tries = read_count(text);
  if (!tries) {
    return std::unexpected(tries.error());
  }
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  policy.retries.tries = static_cast<std::uint32_t>(std::min(*tries, kMost));
  return {};
}

std::expected<void, std::string_view> read_next_upstream_timeout(std::string_view text,
                                                                 routing::Policy& policy) {
  const auto timeout = read_seconds_or_none(text);
  if (!timeout) {
    return std::unexpected(timeout.error());
  }
  policy.retries.timeout = *timeout;
  return {};
}

std::expected<void, std::string_view> read_retry_non_idempotent(std::string_view text,
                                                                routing::Policy& policy) {
  const auto value = read_bool(text);
  if (!value) {
    return std::unexpected(value.error());
  }
  policy.retries.non_idempotent = *value;
  return {};
}

}  // namespace portico::translate
