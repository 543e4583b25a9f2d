// affinity, affinity-mode and session-cookie-*: read into the wish as ingress-nginx reads them.
//
// Each sets a part of BalanceSpec::affinity, whichever comes first; without `affinity: cookie`
// among them, whoever read them takes it away again.
#pragma once

#include <string_view>

#include "controller/translate/backend_wish.h"

namespace portico::translate {

// RFC 9110 5.6.2: what a header's name is, and a cookie's by RFC 6265.
bool is_token(std::string_view text);

WishResult read_affinity(std::string_view value, BackendWish& wish);
WishResult read_affinity_mode(std::string_view value, BackendWish& wish);
WishResult read_cookie_name(std::string_view value, BackendWish& wish);
WishResult read_cookie_path(std::string_view value, BackendWish& wish);
WishResult read_cookie_domain(std::string_view value, BackendWish& wish);
WishResult read_cookie_same_site(std::string_view value, BackendWish& wish);
WishResult read_cookie_conditional_same_site_none(std::string_view value, BackendWish& wish);
WishResult read_cookie_secure(std::string_view value, BackendWish& wish);
WishResult read_cookie_partitioned(std::string_view value, BackendWish& wish);
WishResult read_cookie_expires(std::string_view value, BackendWish& wish);
WishResult read_cookie_max_age(std::string_view value, BackendWish& wish);
WishResult read_cookie_change_on_failure(std::string_view value, BackendWish& wish);

}  // namespace portico::translate
