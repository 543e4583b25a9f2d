// Findings by what they were found at, so that looking again replaces them.
#pragma once

#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "routing/diagnostic.h"
#include "routing/shared_map.h"

namespace portico::translate {

class DiagnosticTable {
 public:
  void replace(std::string_view subject, routing::Diagnostics diagnostics);

  // All of them, sorted by object, field and message.
  [[nodiscard]] routing::Diagnostics all() const;

  // Those that were not there at the last call.
  routing::Diagnostics take_raised();

 private:
  absl::flat_hash_map<std::string, routing::Diagnostics, routing::StringHash, std::equal_to<>>
      by_subject_;
  routing::Diagnostics raised_;
};

void sort_diagnostics(routing::Diagnostics& diagnostics);

}  // namespace portico::translate
