// How requests are spread over a backend's endpoints, in words.
#pragma once

#include <string>

#include "controller/kube/objects.h"
#include "routing/balance_spec.h"

namespace portico::cli {

// "" for what goes without saying: round robin. `balance`: null where the backend asks for nothing.
std::string balance_words(const routing::BalanceSpec* balance, routing::Strategy by_default);

// Whether it is the Service's annotations that say what `words` tell.
bool is_asked_by(const kube::Service& service, const std::string& words,
                 routing::Strategy by_default);

}  // namespace portico::cli
