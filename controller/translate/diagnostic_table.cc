#include "controller/translate/diagnostic_table.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace portico::translate {

void DiagnosticTable::replace(std::string_view subject, routing::Diagnostics diagnostics) {
  const auto found = by_subject_.find(subject);
  for (const auto& diagnostic : diagnostics) {
    if (found == by_subject_.end() ||
        std::ranges::find(found->second, diagnostic) == found->second.end()) {
      raised_.push_back(diagnostic);
    }
  }
  if (!diagnostics.empty()) {
    by_subject_.insert_or_assign(std::string(subject), std::move(diagnostics));
  } else if (found != by_subject_.end()) {
    by_subject_.erase(found);
  }
}

routing::Diagnostics DiagnosticTable::all() const {
  routing::Diagnostics all;
  for (const auto& [subject, diagnostics] : by_subject_) {
    all.insert(all.end(), diagnostics.begin(), diagnostics.end());
  }
  sort_diagnostics(all);
  return all;
}

routing::Diagnostics DiagnosticTable::take_raised() {
  auto raised = std::exchange(raised_, {});
  sort_diagnostics(raised);
  return raised;
}

void sort_diagnostics(routing::Diagnostics& diagnostics) {
  std::ranges::sort(diagnostics, [](const auto& a, const auto& b) {
    return std::tie(a.object, a.field, a.message, a.severity) <
           std::tie(b.object, b.field, b.message, b.severity);
  });
}

}  // namespace portico::translate
