// One DNS question at a time, by c-ares on a loop.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace portico::net {
class Loop;
}

namespace portico::kube {

struct DnsAnswer {
  std::vector<std::string> addresses;  // sorted, IPv4 and IPv6 as text; empty: see `failure`
  std::chrono::seconds ttl{0};         // the smallest of all records
  std::string failure;
};

// Thread:    the loop's.
// Lifetime:  destroying it drops all questions; nobody is called any more.
class DnsChannel {
 public:
  using Callback = std::move_only_function<void(DnsAnswer)>;

  // Those of /etc/resolv.conf: kIgnored takes every name as complete.
  enum class SearchDomains : bool { kIgnored, kUsed };

  // `servers` as "ip:port"; none: those of /etc/resolv.conf.
  static std::expected<std::unique_ptr<DnsChannel>, std::string> open(
      net::Loop& loop, const std::vector<std::string>& servers,
      SearchDomains search = SearchDomains::kIgnored);
  virtual ~DnsChannel() = default;

  // A and AAAA of `name`, by /etc/hosts first. `callback` is called once, never from inside this.
  virtual void ask(const std::string& name, Callback callback) = 0;
};

}  // namespace portico::kube
