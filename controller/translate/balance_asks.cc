#include "controller/translate/balance_asks.h"

#include <algorithm>

#include "controller/translate/annotations.h"

namespace portico::translate {
namespace {

constexpr auto kNameOf = [](const Asked* asked) { return asked->row->name; };

bool is_asked(const std::vector<const Asked*>& all, std::string_view name) {
  return std::ranges::find(all, name, kNameOf) != all.end();
}

// False where it refines what is not asked for. An annotation's name sorts before those that refine
// it, so that these find it read.
bool apply(const Asked& asked, BackendWish& wish) {
  const auto in_force = asked.row->in_force;
  if (in_force != nullptr && !in_force(wish.balance)) {
    return false;
  }
  (void)asked.row->read_wish(asked.value, wish);  // it was read before, and could be
  return true;
}

}  // namespace

WishResult check_asked(const AnnotationRow& row, std::string_view value) {
  constexpr std::size_t kMostBytes = 1024;  // no row reads longer texts; numbers may begin with 0s
  if (value.size() > kMostBytes) {
    return std::unexpected("a value of at most 1,024 characters");
  }
  BackendWish scratch;
  return row.read_wish(value, scratch);
}

Spread join(std::span<const Asked> of_ingress, std::span<const Asked> of_service,
            bool service_upstream) {
  std::vector<const Asked*> all;
  for (const auto& asked : of_ingress) {
    all.push_back(&asked);
  }
  for (const auto& asked : of_service) {
    if (!is_asked(all, asked.row->name)) {
      all.push_back(&asked);
    }
  }
  std::ranges::sort(all, {}, kNameOf);
  BackendWish wish;
  wish.service_upstream = service_upstream;
  Spread spread;
  for (const auto* asked : all) {
    // Where what it refines is switched off on purpose, it is meant to have no effect.
    if (!apply(*asked, wish) && !is_asked(all, refined_by(*asked->row))) {
      spread.idle.push_back(asked);
    }
  }
  spread.balance = std::move(wish.balance);
  spread.service_upstream = wish.service_upstream;
  return spread;
}

Spread settle(BackendWish& wish) {
  if (wish.asked.empty()) {
    return {};
  }
  std::ranges::sort(wish.asked, {}, [](const Asked& asked) { return kNameOf(&asked); });
  auto spread = join(wish.asked, {}, wish.service_upstream);
  wish.balance = spread.balance;
  wish.service_upstream = spread.service_upstream;
  return spread;
}

}  // namespace portico::translate
