#include "controller/cli/external_names.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <absl/strings/str_split.h>

namespace portico::cli {

kube::DnsOptions dns_options() {
  kube::DnsOptions options;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody here sets any.
  if (const char* servers = std::getenv("PORTICO_DNS_SERVERS"); servers != nullptr) {
    for (const auto server : absl::StrSplit(servers, ',', absl::SkipEmpty())) {
      options.servers.emplace_back(server.data(), server.size());
    }
  }
  return options;
}

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
      watches_.emplace(name, resolver_->watch(name, [this, name](kube::Resolution known) {
        told_(name, std::move(known));
      }));
    }
  }
}

}  // namespace portico::cli
