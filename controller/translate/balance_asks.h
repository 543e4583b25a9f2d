// Annotations that say how a backend's requests are spread, as an Ingress and its Service give
// them.
//
// They are kept as given and read anew for each pair of Ingress and Service: name by name the
// Ingress's comes before the Service's, whatever the value, so that one can switch off the other.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "controller/translate/backend_wish.h"

namespace portico::translate {

// What annotations amount to.
struct Spread {
  routing::BalanceSpec balance;
  bool service_upstream = false;
  std::vector<const Asked*> idle;  // that refine what nobody asks for
};

// Whether `row`, which Services may have too, can read `value`; else what it must be. Values become
// a part of backends' names, which each rule has: so long ones are none.
WishResult check_asked(const AnnotationRow& row, std::string_view value);

// `service_upstream`: where no annotation says. The Spread borrows what was asked.
Spread join(std::span<const Asked> of_ingress, std::span<const Asked> of_service,
            bool service_upstream);

// Fills in what follows from what the wish has `asked`, which the Spread borrows.
Spread settle(BackendWish& wish);

}  // namespace portico::translate
