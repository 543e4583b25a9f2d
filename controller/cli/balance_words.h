// How requests are spread over a backend's endpoints, in words.
#pragma once

#include <string>

#include "routing/balance_spec.h"

namespace portico::cli {

// "" for what goes without saying: round robin. `balance`: null where the backend asks for nothing.
std::string balance_words(const routing::BalanceSpec* balance, routing::Strategy by_default);

}  // namespace portico::cli
