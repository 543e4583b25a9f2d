// health-check and health-check-*: Portico's own annotations, read into the wish.
//
// Each sets a part of BalanceSpec::health_check, `health-check` first: the others count only where
// there is one. No check takes longer than there is time until the next one.
#pragma once

#include <string_view>

#include "controller/translate/backend_wish.h"

namespace portico::translate {

// "off": no check.
WishResult read_health_check(std::string_view value, BackendWish& wish);
WishResult read_health_check_path(std::string_view value, BackendWish& wish);
WishResult read_health_check_host(std::string_view value, BackendWish& wish);
WishResult read_health_check_port(std::string_view value, BackendWish& wish);
WishResult read_health_check_statuses(std::string_view value, BackendWish& wish);
WishResult read_health_check_grpc_service(std::string_view value, BackendWish& wish);
WishResult read_health_check_interval(std::string_view value, BackendWish& wish);
WishResult read_health_check_timeout(std::string_view value, BackendWish& wish);
WishResult read_health_check_unhealthy_after(std::string_view value, BackendWish& wish);
WishResult read_health_check_healthy_after(std::string_view value, BackendWish& wish);

}  // namespace portico::translate
