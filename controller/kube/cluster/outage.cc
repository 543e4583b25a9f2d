#include "controller/kube/cluster/outage.h"

#include "controller/kube/cluster/reflector.h"

namespace portico::kube {

std::optional<Outage::Notice> Outage::observe(const Reflector& reflector, Time now) {
  const int failures = reflector.failures();
  recovered_ = failures == 0 && failing_.erase(&reflector) != 0;
  if (failures == 0) {
    if (!lost_since_.has_value() || !failing_.empty()) {
      return std::nullopt;
    }
    const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(now - *lost_since_);
    lost_since_.reset();
    return Notice{.is_lost = false, .reason = {}, .lasted = lasted};
  }
  if (failures < (reflector.has_listed() ? kFailuresOnceHeard : 1)) {
    return std::nullopt;
  }
  failing_.insert(&reflector);
  const bool is_news = !lost_since_.has_value();
  const bool is_other = reflector.failure() != reason_ && now - noticed_at_ >= kBetweenReasons;
  if (!is_news && !is_other) {
    return std::nullopt;
  }
  lost_since_ = lost_since_.value_or(now);
  noticed_at_ = now;
  reason_ = reflector.failure();
  return Notice{.is_lost = true, .reason = reason_, .lasted = {}};
}

}  // namespace portico::kube
