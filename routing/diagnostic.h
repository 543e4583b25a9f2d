// A finding about an object, as data: the same list becomes the log, `portico check`'s output,
// Events, and the answer to "why?".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "routing/object_ref.h"

namespace portico::routing {

enum class Severity : std::uint8_t { kInfo, kWarning, kError };

struct Diagnostic {
  Severity severity = Severity::kError;
  ObjectRef object;
  std::string field;    // path in the object: spec.rules[0].http.paths[1].path
  std::string message;  // one sentence; quotes the offending value
  std::string fix;      // what to do about it; may be empty
  std::string file;     // where the object was read from; empty for one from the API
  int line = 0;         // 1-based; 0 where unknown

  bool operator==(const Diagnostic&) const = default;
};

using Diagnostics = std::vector<Diagnostic>;

}  // namespace portico::routing
