// The addresses of ExternalName Services, for as long as somebody wants them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/kube/dns_resolver.h"

namespace portico::cli {

// The servers of $PORTICO_DNS_SERVERS ("127.0.0.1:5353,[::1]:53"), for tests; those of
// /etc/resolv.conf where it is not set.
kube::DnsOptions dns_options();

// Thread:    the control loop's.
// Lifetime:  destroying it stops the questions.
class ExternalNames {
 public:
  using Told = std::move_only_function<void(const std::string& name, kube::Resolution)>;

  // `told` is called with a name's first answer or failure and whenever either changes, from the
  // loop; it may call want(). Without a resolver nothing ever resolves.
  ExternalNames(std::unique_ptr<kube::DnsResolver> resolver, Told told);

  // The names that count from now on, sorted: asks for those that are new, and forgets the others.
  void want(const std::vector<std::string>& names);

 private:
  std::unique_ptr<kube::DnsResolver> resolver_;
  Told told_;
  std::map<std::string, std::unique_ptr<kube::DnsResolver::Watch>, std::less<>> watches_;
};

}  // namespace portico::cli
