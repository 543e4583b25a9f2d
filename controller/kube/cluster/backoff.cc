#include "controller/kube/cluster/backoff.h"

#include <algorithm>

namespace portico::kube {

std::chrono::milliseconds Backoff::next(std::chrono::milliseconds longest) {
  constexpr int kMostDoublings = 16;
  const auto doubled = kFirst * (1 << std::min(failures_++, kMostDoublings));
  const auto whole = std::min<std::chrono::milliseconds>(doubled, longest);
  return std::chrono::milliseconds(between(whole.count() / 2, whole.count()));
}

std::int64_t Backoff::between(std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
}

}  // namespace portico::kube
