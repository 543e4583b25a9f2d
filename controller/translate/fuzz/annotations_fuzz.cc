// One annotation, any name and value: what is read stays within what nginx could mean, and a guard
// never opens. On a Service or a slice it is taken or found, never both nor neither.
//
// Input: the name, a newline, the value.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "controller/translate/annotation_values.h"
#include "controller/translate/annotations.h"
#include "controller/translate/service_annotations.h"

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

void require_heard(const std::string& name, std::string_view value) {
  kube::Service service;
  service.meta.annotations.emplace(name, value);
  const auto reading = translate::read_service(service);
  require(reading.asked.size() + reading.findings.size() == 1);
  kube::EndpointSlice slice;
  slice.meta.annotations.emplace(name, value);
  const auto weight = translate::slice_weight(slice);
  require(weight >= 1 && weight <= 1'000);
  require(translate::check_slice_annotations(slice).empty() ==
          (name == "portico.dev/weight" &&
           (weight != 1 || translate::read_count(translate::trim(value)) == 1U)));
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
  require_heard(std::string(translate::kPorticoPrefix).append(name), value);
  return 0;
}
