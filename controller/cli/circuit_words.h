// How much a backend is asked to bear at once, in words.
#pragma once

#include <string>

#include "routing/balance_spec.h"

namespace portico::cli {

// "10 requests, 100 in line for up to 5 s"; "" where nothing is limited. `balance`: null where the
// backend asks for nothing.
std::string circuit_words(const routing::BalanceSpec* balance,
                          const routing::CircuitSpec& by_default);

}  // namespace portico::cli
