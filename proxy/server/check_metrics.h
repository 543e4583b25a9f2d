// Active checks in numbers.
#pragma once

#include <string>

#include "proxy/checks/check_book.h"
#include "proxy/exchange/config.h"

namespace portico::server {

// Of backends that are checked, as Prometheus text.
[[nodiscard]] std::string check_metrics(const exchange::Config& config,
                                        const checks::CheckBook& book);

}  // namespace portico::server
