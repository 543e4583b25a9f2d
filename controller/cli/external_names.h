// The addresses of ExternalName Services, for as long as somebody wants them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/kube/dns_resolver.h"

namespace portico::cli {

// Thread:    the control loop's.
// Lifetime:  destroying it stops the questions.
class ExternalNames {
 public:
  using Told =
      std::move_only_function<void(const std::string& name, std::vector<std::string> addresses)>;

  // `told` is called when a name's addresses are first known and whenever they change, from the
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
