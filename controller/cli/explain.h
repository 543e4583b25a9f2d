// `portico explain`: which rule serves a URL, and why.
#pragma once

#include <ostream>
#include <string>

#include "controller/translate/options.h"

namespace portico::cli {

struct ExplainOptions {
  std::string url;
  std::string manifests;
  translate::Options translate;
};

// Returns 0 where a rule serves it, 1 where none does, 2 where the URL or the manifests can't be read.
int run_explain(const ExplainOptions& options, std::ostream& out);

}  // namespace portico::cli
