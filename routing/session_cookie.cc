#include "routing/session_cookie.h"

#include <algorithm>
#include <array>

namespace portico::routing {
namespace {

std::string_view without_spaces(std::string_view text) {
  constexpr std::string_view kSpaces = " \t";
  const auto first = text.find_first_not_of(kSpaces);
  return first == std::string_view::npos
             ? std::string_view()
             : text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

// Of "<key>|<backend>"; empty where it is something else.
std::string_view key_of(std::string_view value, std::string_view backend) {
  if (!value.ends_with(backend)) {
    return {};
  }
  value.remove_suffix(backend.size());
  if (!value.ends_with('|')) {
    return {};
  }
  value.remove_suffix(1);
  return value.size() <= kMaxSessionKeyBytes ? value : std::string_view();
}

// A path as it can stand in an attribute: up to the last slash before what can't (RFC 6265 4.1.1),
// so that it still covers the rule's.
std::string_view cookie_path(std::string_view path) {
  const auto* const bad = std::ranges::find_if(
      path, [](unsigned char byte) { return byte <= ' ' || byte >= 0x7f || byte == ';'; });
  if (bad != path.end()) {
    path = path.substr(0, static_cast<std::size_t>(bad - path.begin()));
    path = path.substr(0, path.rfind('/') + 1);
  }
  return path.empty() ? "/" : path;
}

std::string_view same_site(const AffinitySpec& spec, std::string_view user_agent) {
  if (spec.same_site == SameSite::kNone && spec.conditional_same_site_none &&
      !understands_same_site_none(user_agent)) {
    return {};
  }
  constexpr std::array<std::string_view, 4> kTexts{"", "; SameSite=Strict", "; SameSite=Lax",
                                                   "; SameSite=None"};
  return kTexts[static_cast<std::size_t>(spec.same_site)];
}

}  // namespace

std::string_view find_session_key(std::string_view cookies, std::string_view name,
                                  std::string_view backend) {
  while (!cookies.empty()) {
    const auto end = std::min(cookies.find(';'), cookies.size());
    const auto pair = without_spaces(cookies.substr(0, end));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    if (pair.size() <= name.size() || pair[name.size()] != '=' || !pair.starts_with(name)) {
      continue;
    }
    if (const auto key = key_of(pair.substr(name.size() + 1), backend); !key.empty()) {
      return key;
    }
  }
  return {};
}

// Chrome 51 to 66 refuse such a cookie; iOS 12, and Safari on macOS 10.14, read Strict.
bool understands_same_site_none(std::string_view user_agent) {
  constexpr std::array<std::string_view, 5> kRefusing{"Chrome/4", "Chrome/5", "Chrome/6",
                                                      "CPU iPhone OS 12", "iPad; CPU OS 12"};
  const auto says = [user_agent](std::string_view words) { return user_agent.contains(words); };
  if (std::ranges::any_of(kRefusing, says)) {
    return false;
  }
  const bool safari_of_mojave =
      says("Macintosh") && says("Intel Mac OS X 10_14") && says("Safari") && !says("Chrome");
  return !safari_of_mojave;
}

std::string write_session_cookie(const AffinitySpec& spec, const SessionCookie& cookie) {
  std::string text;
  text.reserve(192);
  text.append(spec.cookie_name).append("=").append(cookie.key).append("|").append(cookie.backend);
  if (!cookie.expires.empty()) {
    text.append("; Expires=").append(cookie.expires);
  }
  if (spec.max_age_seconds) {
    text.append("; Max-Age=").append(std::to_string(*spec.max_age_seconds));
  }
  if (!spec.domain.empty()) {
    text.append("; Domain=").append(spec.domain);
  }
  text.append("; Path=").append(cookie_path(spec.path.empty() ? cookie.route_path : spec.path));
  text.append(spec.secure.value_or(cookie.https) ? "; Secure" : "");
  text.append("; HttpOnly");
  text.append(same_site(spec, cookie.user_agent));
  text.append(spec.partitioned ? "; Partitioned" : "");
  return text;
}

}  // namespace portico::routing
