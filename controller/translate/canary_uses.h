// Which backends canaries serve by, as hosts are built with them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/translate/backend_table.h"
#include "controller/translate/canary_merge.h"

namespace portico::translate {

// A canary may serve several hosts by one backend: the first use and the last are told to the
// table.
//
// Lifetime: records are borrowed until forget().
class CanaryUses {
 public:
  explicit CanaryUses(BackendTable& backends) : backends_(backends) {}

  // A place that no host can be.
  static constexpr std::string_view kDefaultRoute = "default route";

  // Those of `place`, a host or the default route, are these now.
  void set(std::string_view place, std::vector<CanaryUse> uses);
  // The record goes: its places are built again, or go with it.
  void forget(const IngressRecord& record);

 private:
  using Key = std::pair<std::string, const IngressRecord*>;

  void forget(std::string_view place, const IngressRecord& record);
  void release(const CanaryUse& use);

  BackendTable& backends_;
  std::map<std::string, std::vector<CanaryUse>, std::less<>> by_place_;
  std::map<Key, int> counts_;
};

}  // namespace portico::translate
