#include "proxy/checks/check_book.h"

#include <utility>

namespace portico::checks {

void CheckBook::set(exchange::EndpointHealth& health, bool is_ill, std::string reason) {
  const tls::MutexLock lock(mutex_);
  if (is_ill) {
    reasons_.insert_or_assign(&health, std::move(reason));
  } else {
    reasons_.erase(&health);
  }
  health.set_ill(is_ill);
}

std::string CheckBook::reason(const exchange::EndpointHealth& health) const {
  const tls::MutexLock lock(mutex_);
  const auto found = reasons_.find(&health);
  return found == reasons_.end() ? std::string() : found->second;
}

void CheckBook::open(const ServicePort& name) {
  const tls::MutexLock lock(mutex_);
  ++counts_[name].backends;
}

void CheckBook::close(const ServicePort& name) {
  const tls::MutexLock lock(mutex_);
  if (const auto found = counts_.find(name); --found->second.backends == 0) {
    counts_.erase(found);
  }
}

void CheckBook::count(const ServicePort& name, bool passed) {
  const tls::MutexLock lock(mutex_);
  auto& counts = counts_.find(name)->second;
  ++(passed ? counts.passed : counts.failed);
}

std::vector<CheckBook::Count> CheckBook::counts() const {
  const tls::MutexLock lock(mutex_);
  std::vector<Count> all;
  for (const auto& [name, counts] : counts_) {
    all.push_back({.of = name, .passed = counts.passed, .failed = counts.failed});
  }
  return all;
}

}  // namespace portico::checks
