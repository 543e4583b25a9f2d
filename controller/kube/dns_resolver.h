// The addresses of names, kept up to date: for Services of type ExternalName.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace portico::net {
class Deadline;
class Loop;
}  // namespace portico::net

namespace portico::kube {

class DnsChannel;
struct DnsAnswer;

struct DnsOptions {
  std::vector<std::string> servers;            // "ip:port"; none: /etc/resolv.conf's
  std::chrono::milliseconds shortest{1000};    // between two questions for a name, whatever its TTL
  std::chrono::milliseconds longest{300'000};  // after an answer
  std::chrono::milliseconds longest_after_failure{60'000};
};

// When to ask again. `failures`: in a row.
std::chrono::milliseconds next_question(const DnsOptions& options, const DnsAnswer& answer,
                                        int failures);

// What is known of a name.
struct Resolution {
  std::vector<std::string> addresses;  // sorted; IPv4 and IPv6 as text; the last there were
  std::string failure;                 // why the last question had no answer; empty where it had
};

// Asks again as TTLs end. A name that can't be resolved any more keeps its last addresses (fail
// static). One question serves all who watch a name.
//
// Thread:    the loop's.
// Lifetime:  destroying a Watch ends its calls. Watches may outlive the resolver; they are then
// silent.
class DnsResolver {
 public:
  using Callback = std::move_only_function<void(Resolution)>;

  class Watch {
   public:
    virtual ~Watch() = default;
  };

  static std::expected<std::unique_ptr<DnsResolver>, std::string> open(net::Loop& loop,
                                                                       DnsOptions options = {});
  ~DnsResolver();
  DnsResolver(const DnsResolver&) = delete;
  DnsResolver& operator=(const DnsResolver&) = delete;

  // `callback` is called with the first answer or failure and whenever either changes; never from
  // inside this call. It may destroy the watch, and the resolver. An IP address resolves to itself.
  std::unique_ptr<Watch> watch(const std::string& name, Callback callback);

 private:
  struct Name;
  class NameWatch;

  DnsResolver(net::Loop& loop, DnsOptions options, std::unique_ptr<DnsChannel> channel);
  void ask(const std::shared_ptr<Name>& name);
  void take(const std::shared_ptr<Name>& name, DnsAnswer answer);
  void tell(const std::shared_ptr<Name>& name);

  net::Loop& loop_;
  DnsOptions options_;
  std::unique_ptr<DnsChannel> channel_;
  std::map<std::string, std::weak_ptr<Name>> names_;  // a name lives as long as its watches
};

}  // namespace portico::kube
