// The Lease of coordination.k8s.io/v1 that says who leads, as client-go's LeaseLock writes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace portico::status {

struct LeaseRecord {
  std::string holder;  // "" nobody: released
  int duration_seconds = 0;
  int transitions = 0;
  std::string acquire_time;  // as they were written: seen to change, never compared with a clock
  std::string renew_time;
  bool operator==(const LeaseRecord&) const = default;
};

struct Lease {
  LeaseRecord record;
  std::string object;  // whole, as the server gave it
};

// Nothing where the text is no Lease.
std::optional<Lease> read_lease(std::string_view text);

// The body of a PUT: `before` with another record and all else as it was, its resourceVersion
// included, so that the server refuses it if anybody else wrote in between.
std::string replace_record(const Lease& before, const LeaseRecord& record);

// The body of a POST.
std::string new_lease(std::string_view namespace_, std::string_view name,
                      const LeaseRecord& record);

}  // namespace portico::status
