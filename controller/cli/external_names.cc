#include "controller/cli/external_names.h"

#include <algorithm>
#include <utility>

namespace portico::cli {

ExternalNames::ExternalNames(std::unique_ptr<kube::DnsResolver> resolver, Told told)
    : resolver_(std::move(resolver)), told_(std::move(told)) {}

void ExternalNames::want(const std::vector<std::string>& names) {
  if (resolver_ == nullptr) {
    return;
  }
  std::erase_if(watches_,
                [&](const auto& watch) { return !std::ranges::binary_search(names, watch.first); });
  for (const auto& name : names) {
    if (!watches_.contains(name)) {
      watches_.emplace(name,
                       resolver_->watch(name, [this, name](std::vector<std::string> addresses) {
                         told_(name, std::move(addresses));
                       }));
    }
  }
}

}  // namespace portico::cli
