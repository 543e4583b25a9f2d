// How a backend's endpoints are checked, in words.
#pragma once

#include <string>

#include "routing/balance_spec.h"

namespace portico::cli {

// "http /healthz every 5 s"; "" where they are not. `balance`: null where the backend asks for
// nothing.
std::string check_words(const routing::BalanceSpec* balance);

}  // namespace portico::cli
