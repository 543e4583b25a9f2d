// Which of a route and its canary serves a request.
#pragma once

#include "proxy/exchange/config.h"
#include "proxy/http/message.h"
#include "routing/balance.h"
#include "routing/route_table.h"

namespace portico::exchange {

// The one of `main`, which has a canary, and that canary. A canary that can't serve leaves all to
// the main route, as in ingress-nginx: its backend is missing, denied or without endpoints.
// Allocates nothing (a pattern keeps what it has learned, up to a bound). `is_tls` says how the
// request came.
const routing::Route& choose_canary(const routing::Route& main, const http::FieldBlock& fields,
                                    const Config& config, bool is_tls, routing::Lots& lots);

// What a request goes on with that `before` has served, where a change has made `main` of its
// route: what has the same backend; else, for one that a canary has served, `main`; else null.
const routing::Route* follow_canary(const routing::Route& main, const routing::Route& before,
                                    bool by_canary);

}  // namespace portico::exchange
