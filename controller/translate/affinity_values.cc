#include "controller/translate/affinity_values.h"

#include <algorithm>
#include <charconv>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

#include "controller/translate/annotation_values.h"

namespace portico::translate {
namespace {

using routing::AffinitySpec;

AffinitySpec& affinity_of(BackendWish& wish) {
  return wish.balance.affinity ? *wish.balance.affinity : wish.balance.affinity.emplace();
}

WishResult read_flag(std::string_view value, bool& flag) {
  const auto read = read_bool(value);
  if (!read) {
    return std::unexpected(read.error());
  }
  flag = *read;
  return {};
}

// Whole seconds, also none and negative ones, by which a browser forgets the cookie at once. No
// browser keeps one for a century, and dates have years of four digits.
WishResult read_lifetime(std::string_view value, std::optional<std::int64_t>& seconds) {
  constexpr std::int64_t kCentury = 3'155'760'000;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number > kCentury ||
      number < -kCentury) {
    return std::unexpected("a whole number of seconds");
  }
  seconds = number;
  return {};
}

}  // namespace

bool is_token(std::string_view text) {
  constexpr std::string_view kAlso = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](unsigned char byte) {
    return absl::ascii_isalnum(byte) || kAlso.contains(static_cast<char>(byte));
  });
}

WishResult read_affinity(std::string_view value, BackendWish& wish) {
  if (value == "none") {
    wish.balance.affinity.reset();
    return {};
  }
  if (value != "cookie") {
    return std::unexpected("\"cookie\", or \"none\"");
  }
  (void)affinity_of(wish);
  return {};
}

WishResult read_affinity_mode(std::string_view value, BackendWish& wish) {
  if (value != "balanced" && value != "persistent") {
    return std::unexpected("\"balanced\" or \"persistent\"");
  }
  affinity_of(wish).persistent = value == "persistent";
  return {};
}

WishResult read_cookie_name(std::string_view value, BackendWish& wish) {
  constexpr std::size_t kMost = 128;
  if (!is_token(value) || value.size() > kMost) {
    return std::unexpected("a name that a cookie can have");
  }
  affinity_of(wish).cookie_name = value;
  return {};
}

WishResult read_cookie_path(std::string_view value, BackendWish& wish) {
  constexpr std::size_t kMostBytes = 1024;  // that browsers read of an attribute
  const bool fits = value.starts_with('/') && value.size() <= kMostBytes &&
                    std::ranges::all_of(value, [](unsigned char byte) {
                      return byte > ' ' && byte < 0x7f && byte != ';';
                    });
  if (!fits) {
    return std::unexpected(
        "a path that a cookie can have: from \"/\" on, without spaces or \";\", of at most 1,024 "
        "characters");
  }
  affinity_of(wish).path = value;
  return {};
}

WishResult read_cookie_domain(std::string_view value, BackendWish& wish) {
  constexpr std::size_t kMostBytes = 254;  // with a dot before it
  const bool fits = !value.empty() && value.size() <= kMostBytes &&
                    std::ranges::all_of(value, [](unsigned char byte) {
                      return absl::ascii_isalnum(byte) || byte == '-' || byte == '.' || byte == '_';
                    });
  if (!fits) {
    return std::unexpected("a host name");
  }
  affinity_of(wish).domain = value;
  return {};
}

WishResult read_cookie_same_site(std::string_view value, BackendWish& wish) {
  using enum routing::SameSite;
  const absl::string_view text(value.data(), value.size());
  const auto same_site = absl::EqualsIgnoreCase(text, "strict") ? kStrict
                         : absl::EqualsIgnoreCase(text, "lax")  ? kLax
                         : absl::EqualsIgnoreCase(text, "none") ? kNone
                                                                : kUnset;
  if (same_site == kUnset) {
    return std::unexpected("\"None\", \"Lax\" or \"Strict\"");
  }
  affinity_of(wish).same_site = same_site;
  return {};
}

WishResult read_cookie_conditional_same_site_none(std::string_view value, BackendWish& wish) {
  return read_flag(value, affinity_of(wish).conditional_same_site_none);
}

// "false" leaves it to the request's scheme, as in ingress-nginx.
WishResult read_cookie_secure(std::string_view value, BackendWish& wish) {
  bool always = false;
  const auto done = read_flag(value, always);
  if (done) {
    affinity_of(wish).secure = always ? std::optional(true) : std::nullopt;
  }
  return done;
}

WishResult read_cookie_partitioned(std::string_view value, BackendWish& wish) {
  return read_flag(value, affinity_of(wish).partitioned);
}

WishResult read_cookie_expires(std::string_view value, BackendWish& wish) {
  return read_lifetime(value, affinity_of(wish).expires_seconds);
}

WishResult read_cookie_max_age(std::string_view value, BackendWish& wish) {
  return read_lifetime(value, affinity_of(wish).max_age_seconds);
}

WishResult read_cookie_change_on_failure(std::string_view value, BackendWish& wish) {
  return read_flag(value, affinity_of(wish).change_on_failure);
}

}  // namespace portico::translate
