// The cookie of session affinity, as text:
//
//   Set-Cookie: INGRESSCOOKIE=<key>|<backend>; Path=/shop; Secure; HttpOnly
//   Cookie: theme=dark; INGRESSCOOKIE=<key>|<backend>
//
// The key is what chooses the endpoint (affinity.h). What stands behind the bar names the backend,
// so that another backend's cookie of the same name is not taken for this one's.
#pragma once

#include <string>
#include <string_view>

#include "routing/balance_spec.h"

namespace portico::routing {

// Keys longer than this are no cookie of ours.
inline constexpr std::size_t kMaxSessionKeyBytes = 64;

// The key of the first cookie that bears this name and this backend; empty where there is none.
// `cookies` is one Cookie field's value (RFC 6265 4.2.1), from the network: the key may hold any
// bytes, at most kMaxSessionKeyBytes of them. Allocates nothing; the view is into `cookies`.
std::string_view find_session_key(std::string_view cookies, std::string_view name,
                                  std::string_view backend);

// Whether a browser that calls itself so takes SameSite=None for what it means. The ones that don't
// are those that ingress-nginx leaves it out for.
bool understands_same_site_none(std::string_view user_agent);

struct SessionCookie {
  std::string_view key;
  std::string_view backend;
  std::string_view route_path;  // the Path, where none is set
  bool https = false;           // how the request came: Secure, where it is not asked for always
  std::string_view user_agent;
  std::string_view expires;  // an HTTP date; empty: not sent
};

// The value of the Set-Cookie field.
std::string write_session_cookie(const AffinitySpec& spec, const SessionCookie& cookie);

}  // namespace portico::routing
