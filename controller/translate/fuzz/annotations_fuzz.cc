// One annotation, any name and value: what is read stays within what nginx could mean, and a guard
// never opens.
//
// Input: the name, a newline, the value.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "controller/translate/annotations.h"

namespace {

using namespace portico;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void require_sane(const routing::Policy& policy) {
  using namespace std::chrono_literals;
  for (const auto timeout : {policy.connect_timeout, policy.send_timeout, policy.read_timeout}) {
    require(timeout >= 1s && timeout <= 365 * 24h && timeout % 1s == 0s);
  }
  require(policy.max_body_bytes <= INT64_MAX);
  for (const auto limit : {policy.retries.timeout, policy.request_timeout}) {
    require(limit >= 0s && limit <= 365 * 24h && limit % 1s == 0s);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(text.find('\n'), text.size());
  const auto name = text.substr(0, end);
  const auto value = text.substr(std::min(end + 1, text.size()));
  const auto* row = translate::find_annotation(name);
  for (const auto prefix : {translate::kNginxPrefix, translate::kPorticoPrefix}) {
    const auto reading =
        translate::read_annotations({{std::string(prefix).append(name), std::string(value)}});
    require_sane(reading.policy);
    const bool is_guard = row != nullptr && row->guards_access == translate::Guard::kYes &&
                          (row->harmless.empty() || value != row->harmless);
    require(!is_guard || !reading.policy.denied_because.empty());
    // Nothing goes unsaid: a value that was not read changes nothing.
    if (!reading.findings.empty() && reading.policy.denied_because.empty()) {
      require(reading.policy == routing::Policy{});
    }
  }
  return 0;
}
