#include "controller/translate/service_annotations.h"

#include <expected>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "controller/kube/nearest_name.h"
#include "controller/translate/annotation_values.h"
#include "controller/translate/balance_asks.h"

namespace portico::translate {
namespace {

using routing::Diagnostic;
using routing::Severity;

Diagnostic about(const char* kind, const kube::Metadata& meta, Severity severity,
                 std::string_view name, std::string message, std::string fix) {
  return {.severity = severity,
          .object = {kind, meta.namespace_, meta.name},
          .field = fmt::format("metadata.annotations[{}{}]", kPorticoPrefix, name),
          .message = std::move(message),
          .fix = std::move(fix),
          .file = meta.origin.file == nullptr ? std::string() : *meta.origin.file,
          .line = meta.origin.line};
}

// Calls `visit(name, value)` for each of ours, by name.
template <class Visit>
void for_each_own(const kube::Metadata& meta, Visit visit) {
  const auto& all = meta.annotations;
  for (auto entry = all.lower_bound(kPorticoPrefix);
       entry != all.end() && entry->first.starts_with(kPorticoPrefix); ++entry) {
    visit(std::string_view(entry->first).substr(kPorticoPrefix.size()), entry->second);
  }
}

std::optional<std::string_view> nearest_of_services(std::string_view name) {
  static const auto kNames = [] {
    std::vector<std::string_view> names;
    for (const auto& row : annotation_table()) {
      if (row.for_services) {
        names.push_back(row.name);
      }
    }
    return names;
  }();
  return kube::nearest_name(name, kNames);
}

Diagnostic unknown(const kube::Service& service, std::string_view name, std::string_view value) {
  const auto nearest = nearest_of_services(name);
  return about(kube::Service::kKind, service.meta, Severity::kWarning, name,
               fmt::format("no annotation of Services is named \"{}\" (its value is {})", name,
                           quoted_value(value)),
               nearest           ? fmt::format("did you mean \"{}\"?", *nearest)
               : name == kWeight ? "put it on an EndpointSlice, whose endpoints it weighs"
                                 : "remove the annotation");
}

// On an Ingress this name may mean something.
Diagnostic misplaced(const kube::Service& service, const AnnotationRow& row,
                     std::string_view value) {
  return about(kube::Service::kKind, service.meta, Severity::kWarning, row.name,
               fmt::format("{} has no effect on a Service", quoted_value(value)),
               row.support == Support::kServed ? "put it on the Ingress" : "remove the annotation");
}

std::expected<std::uint32_t, std::string_view> read_weight(std::string_view value) {
  constexpr std::uint64_t kMost = 1'000;
  const auto weight = read_count(trim(value));
  if (!weight || *weight == 0 || *weight > kMost) {
    return std::unexpected("a whole number from 1 to 1000");
  }
  return static_cast<std::uint32_t>(*weight);
}

}  // namespace

ServiceReading read_service(const kube::Service& service) {
  ServiceReading reading;
  for_each_own(service.meta, [&](std::string_view name, const std::string& value) {
    const auto* row = find_annotation(name);
    if (row == nullptr) {
      reading.findings.push_back(unknown(service, name, value));
      return;
    }
    if (!row->for_services) {
      reading.findings.push_back(misplaced(service, *row, value));
      return;
    }
    if (const auto done = check_asked(*row, trim(value)); !done) {
      reading.findings.push_back(
          about(kube::Service::kKind, service.meta, Severity::kError, name,
                fmt::format("{} is not {}", quoted_value(value), done.error()),
                "correct the value; until then it counts as not given"));
      return;
    }
    reading.asked.push_back({row, std::string(trim(value)), kPorticoPrefix});
  });
  return reading;
}

Diagnostic idle_on_service(const kube::Service& service, const Asked& asked) {
  return about(
      kube::Service::kKind, service.meta, Severity::kWarning, asked.row->name,
      fmt::format("{} has no effect without `{}`", quoted_value(asked.value), asked.row->needs),
      fmt::format("add the annotation {}, or remove this one", refined_by(*asked.row)));
}

std::uint32_t slice_weight(const kube::EndpointSlice& slice) {
  static const auto kName = std::string(kPorticoPrefix).append(kWeight);
  const auto given = slice.meta.annotations.find(kName);
  return given == slice.meta.annotations.end() ? 1 : read_weight(given->second).value_or(1);
}

routing::Diagnostics check_slice_annotations(const kube::EndpointSlice& slice) {
  routing::Diagnostics findings;
  for_each_own(slice.meta, [&](std::string_view name, const std::string& value) {
    if (name != kWeight) {
      findings.push_back(about(kube::EndpointSlice::kKind, slice.meta, Severity::kWarning, name,
                               fmt::format("no annotation of EndpointSlices is named \"{}\" (its "
                                           "value is {})",
                                           name, quoted_value(value)),
                               "remove the annotation; the one there is, is \"weight\""));
      return;
    }
    if (const auto weight = read_weight(value); !weight) {
      findings.push_back(about(kube::EndpointSlice::kKind, slice.meta, Severity::kError, name,
                               fmt::format("{} is not {}", quoted_value(value), weight.error()),
                               "correct the value; until then it counts as 1"));
    }
  });
  return findings;
}

}  // namespace portico::translate
