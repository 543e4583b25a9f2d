// `portico check`: every finding about manifests, a line each.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "controller/translate/options.h"

namespace portico::cli {

struct CheckOptions {
  std::vector<std::string> paths;
  translate::Options translate;
};

// FILE:LINE: severity: object: field: message
// Returns 0, 1 where there are errors, 2 where a path can't be read.
int run_check(const CheckOptions& options, std::ostream& out);

}  // namespace portico::cli
