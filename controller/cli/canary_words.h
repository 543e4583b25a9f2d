// Which requests a canary gets, in words: for `portico explain`.
#pragma once

#include <string>

#include "routing/canary.h"

namespace portico::cli {

// "header X-Canary: always (never: not), else 10 of 100 requests". `is_sticky`: the main backend's
// sessions have a cookie.
std::string canary_words(const routing::CanaryRule& rule, bool is_sticky);

}  // namespace portico::cli
