#include "controller/translate/canary_uses.h"

namespace portico::translate {

void CanaryUses::set(std::string_view place, std::vector<CanaryUse> uses) {
  const auto before = by_place_.find(place);
  if (before == by_place_.end() && uses.empty()) {
    return;
  }
  for (const auto& use : uses) {
    if (++counts_[{use.backend.key(), use.record}] == 1) {
      backends_.use(use.backend, use.record);
    }
  }
  if (before != by_place_.end()) {
    for (const auto& use : before->second) {
      release(use);
    }
    by_place_.erase(before);
  }
  if (!uses.empty()) {
    by_place_.emplace(place, std::move(uses));
  }
}

void CanaryUses::forget(const IngressRecord& record) {
  for (const auto& [host, routes] : record.hosts) {
    forget(host, record);
  }
  forget(kDefaultRoute, record);
}

void CanaryUses::forget(std::string_view place, const IngressRecord& record) {
  const auto found = by_place_.find(place);
  if (found == by_place_.end()) {
    return;
  }
  std::erase_if(found->second, [&](const CanaryUse& use) {
    const bool goes = use.record == &record;
    if (goes) {
      release(use);
    }
    return goes;
  });
}

void CanaryUses::release(const CanaryUse& use) {
  const auto count = counts_.find({use.backend.key(), use.record});
  if (--count->second == 0) {
    backends_.release(count->first.first, use.record);
    counts_.erase(count);
  }
}

}  // namespace portico::translate
