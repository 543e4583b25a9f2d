// The TLS that hosts ask for, by their Ingresses and the Secrets that these name.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "controller/translate/cluster_state.h"
#include "controller/translate/ingress_record.h"
#include "routing/diagnostic.h"
#include "routing/host_tls.h"

namespace portico::translate {

using HostTlsPointer = std::shared_ptr<const routing::HostTls>;

// Lifetime: records are borrowed between add() and remove().
class ClientAuthorities {
 public:
  using RecordSet = absl::flat_hash_set<const IngressRecord*>;

  explicit ClientAuthorities(const ClusterState& state) : state_(state) {}

  // Both say whether the Secret that the record names came to be used by their doing, or is not any
  // more.
  bool add(const IngressRecord& record);
  bool remove(const IngressRecord& record);

  // The records that name the Secret, which has changed: their hosts are to be built again.
  const RecordSet& touch_secret(std::string_view key);

  // What all records of a host ask of it together; null: nothing. As in ingress-nginx the first
  // with authorities decides, and one whose authorities can't be had closes the host. overruled()
  // are those that it does not do justice to.
  [[nodiscard]] HostTlsPointer of_host(std::span<const IngressRecord* const> records);

  // A record whose annotations another one's, which decides for the host, leave unheard.
  struct Overruled {
    const IngressRecord* record;
    // Not empty: it demands what the host, as of_host() gave it, does not ask of clients, so that
    // its paths must not be served.
    std::string closes_because;
    routing::Diagnostic finding;
  };
  [[nodiscard]] std::vector<Overruled> overruled(std::span<const IngressRecord* const> records,
                                                 const routing::HostTls& host);

  // What is wrong with what the record asks.
  [[nodiscard]] routing::Diagnostics findings(const IngressRecord& record);

 private:
  const HostTlsPointer& of_record(const IngressRecord& record);
  [[nodiscard]] routing::HostTls resolve(const IngressRecord& record) const;

  const ClusterState& state_;
  absl::flat_hash_map<std::string, RecordSet, routing::StringHash, std::equal_to<>> by_secret_;
  // What a record asks for with what its Secret says; null: not looked up yet.
  absl::flat_hash_map<const IngressRecord*, HostTlsPointer> of_records_;
};

}  // namespace portico::translate
