// Any bytes as the API server's answer about a Lease: nothing crashes, and what was read as a Lease
// is written back with another record and all else as it was.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "controller/status/call_log.h"
#include "controller/status/lease.h"

namespace portico::status {
namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void check(std::string_view text) {
  const auto lease = read_lease(text);
  if (!lease) {
    return;
  }
  const LeaseRecord other{.holder = "b", .duration_seconds = 10, .transitions = 7};
  const auto written = replace_record(*lease, other);
  // How Boost.JSON writes numbers that no double holds. No API server takes or gives one.
  if (written.find("Infinity") != std::string::npos || written.find("NaN") != std::string::npos) {
    return;
  }
  const auto changed = read_lease(written);
  require(changed.has_value() && changed->record == other);
  // There and back again.
  const auto back = read_lease(replace_record(*changed, lease->record));
  require(back.has_value() && back->record == lease->record);
}

}  // namespace
}  // namespace portico::status

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  portico::status::check(text);
  static_cast<void>(portico::status::describe(
      {"get", "leases.coordination.k8s.io", "portico"},
      portico::kube::ApiResponse{.status = 403, .body = std::string(text)}));
  return 0;
}
