// A BalanceSpec as a part of what names a backend.
#pragma once

#include <string>

#include "routing/balance_spec.h"

namespace portico::translate {

// Different specs have different texts; "" asks for nothing. Else it begins with ';'.
std::string balance_text(const routing::BalanceSpec& balance);

}  // namespace portico::translate
