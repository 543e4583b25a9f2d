// Which endpoints of a backend get more than others, in words.
#pragma once

#include <string>

#include "routing/settings.h"
#include "routing/snapshot.h"

namespace portico::cli {

// Each endpoint's weight; "" where all weigh the same.
std::string weight_words(const routing::BackendSpec& backend);

// How endpoints begin that are new; "" where they get their share at once.
std::string slow_start_words(const routing::BalanceSpec* balance,
                             const routing::Settings& settings);

}  // namespace portico::cli
