#include "controller/translate/health_check_values.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <absl/strings/ascii.h>

#include "controller/translate/annotation_values.h"

namespace portico::translate {
namespace {

using routing::HealthCheckSpec;
using std::chrono::milliseconds;

HealthCheckSpec& check_of(BackendWish& wish) {
  auto& check = wish.balance.health_check;
  return check ? *check : check.emplace();
}

template <class Number>
std::optional<Number> read_number(std::string_view text, Number least, Number most) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    return std::nullopt;
  }
  return number;
}

// Seconds with up to three digits behind the point.
std::optional<milliseconds> read_time(std::string_view text, std::chrono::seconds most) {
  constexpr milliseconds kLeast{100};
  const auto point = text.find('.');
  const auto seconds = read_number<std::int64_t>(text.substr(0, point), 0, most.count());
  if (!seconds) {
    return std::nullopt;
  }
  milliseconds time{*seconds * 1'000};
  if (point != std::string_view::npos) {
    const auto digits = text.substr(point + 1);
    const auto fraction = read_number<std::int64_t>(digits, 0, 999);
    if (!fraction || digits.size() > 3 || digits.front() == '-') {
      return std::nullopt;
    }
    time += milliseconds(*fraction * (digits.size() == 1 ? 100 : digits.size() == 2 ? 10 : 1));
  }
  const bool fits = text.front() != '-' && time >= kLeast && time <= most;
  return fits ? std::optional(time) : std::nullopt;
}

WishResult read_time_into(std::string_view value, HealthCheckSpec& check,
                          milliseconds HealthCheckSpec::* time, std::chrono::seconds most,
                          std::string_view wanted) {
  const auto read = read_time(value, most);
  if (!read) {
    return std::unexpected(wanted);
  }
  check.*time = *read;
  check.timeout = std::min(check.timeout, check.interval);
  return {};
}

WishResult read_streak(std::string_view value, std::uint8_t& count) {
  const auto read = read_number<std::uint8_t>(value, 1, 100);
  if (!read) {
    return std::unexpected("a whole number from 1 to 100");
  }
  count = *read;
  return {};
}

std::optional<routing::StatusRange> read_range(std::string_view text) {
  constexpr std::uint16_t kLeast = 200;  // 1xx are no answers
  constexpr std::uint16_t kMost = 599;
  const auto dash = text.find('-');
  const auto first = read_number(trim(text.substr(0, dash)), kLeast, kMost);
  const auto last = dash == std::string_view::npos
                        ? first
                        : read_number(trim(text.substr(dash + 1)), kLeast, kMost);
  if (!first || !last || *first > *last) {
    return std::nullopt;
  }
  return routing::StatusRange{.first = *first, .last = *last};
}

bool is_made_of(std::string_view text, std::string_view also) {
  return !text.empty() && std::ranges::all_of(text, [also](unsigned char byte) {
    return absl::ascii_isalnum(byte) || also.contains(static_cast<char>(byte));
  });
}

}  // namespace

WishResult read_health_check(std::string_view value, BackendWish& wish) {
  using Kind = HealthCheckSpec::Kind;
  if (value == "off") {
    wish.balance.health_check.reset();
    return {};
  }
  if (value != "http" && value != "tcp" && value != "grpc") {
    return std::unexpected("\"http\", \"tcp\", \"grpc\" or \"off\"");
  }
  check_of(wish).kind = value == "http" ? Kind::kHttp : value == "tcp" ? Kind::kTcp : Kind::kGrpc;
  return {};
}

WishResult read_health_check_path(std::string_view value, BackendWish& wish) {
  constexpr std::size_t kMostBytes = 1024;
  const bool fits = value.starts_with('/') && value.size() <= kMostBytes &&
                    std::ranges::all_of(value, [](unsigned char byte) {
                      return byte > ' ' && byte < 0x7f && byte != '#';
                    });
  if (!fits) {
    return std::unexpected(
        "a path from \"/\" on, perhaps with a query, without spaces, of at most 1,024 characters");
  }
  check_of(wish).path = value;
  return {};
}

WishResult read_health_check_host(std::string_view value, BackendWish& wish) {
  constexpr std::size_t kMostBytes = 260;  // with a port
  if (!is_made_of(value, "-._:[]") || value.size() > kMostBytes) {
    return std::unexpected("a host name, perhaps with a port");
  }
  check_of(wish).host = value;
  return {};
}

WishResult read_health_check_port(std::string_view value, BackendWish& wish) {
  const auto port = read_number<std::uint16_t>(value, 1, 65'535);
  if (!port) {
    return std::unexpected("a port's number, from 1 to 65535");
  }
  check_of(wish).port = *port;
  return {};
}

WishResult read_health_check_statuses(std::string_view value, BackendWish& wish) {
  constexpr std::size_t kMost = 16;
  std::vector<routing::StatusRange> ranges;
  for (std::size_t at = 0; at <= value.size();) {
    const auto comma = std::min(value.find(',', at), value.size());
    const auto range = read_range(value.substr(at, comma - at));
    if (!range || ranges.size() == kMost) {
      return std::unexpected(
          "a list of at most 16 statuses or ranges of them, from 200 to 599 (\"200-299,404\")");
    }
    ranges.push_back(*range);
    at = comma + 1;
  }
  check_of(wish).statuses = std::move(ranges);
  return {};
}

WishResult read_health_check_grpc_service(std::string_view value, BackendWish& wish) {
  constexpr std::size_t kMostBytes = 256;
  if (!is_made_of(value, "-._/") || value.size() > kMostBytes) {
    return std::unexpected("the name of a gRPC service (\"shop.v1.Cart\")");
  }
  check_of(wish).grpc_service = value;
  return {};
}

WishResult read_health_check_interval(std::string_view value, BackendWish& wish) {
  return read_time_into(value, check_of(wish), &HealthCheckSpec::interval, std::chrono::hours(1),
                        "a number of seconds from 0.1 to 3600, without a unit (\"5\", \"0.5\")");
}

// A check that hangs keeps others waiting for as long.
WishResult read_health_check_timeout(std::string_view value, BackendWish& wish) {
  return read_time_into(value, check_of(wish), &HealthCheckSpec::timeout, std::chrono::seconds(10),
                        "a number of seconds from 0.1 to 10, without a unit (\"5\", \"0.5\")");
}

WishResult read_health_check_unhealthy_after(std::string_view value, BackendWish& wish) {
  return read_streak(value, check_of(wish).unhealthy_after);
}

WishResult read_health_check_healthy_after(std::string_view value, BackendWish& wish) {
  return read_streak(value, check_of(wish).healthy_after);
}

}  // namespace portico::translate
