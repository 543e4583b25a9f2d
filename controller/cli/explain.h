// `portico explain`: which rule serves a URL, and why.
#pragma once

#include <ostream>
#include <string>

#include "controller/translate/options.h"

namespace portico::cli {

// Of `manifests` and `admin` one is given.
struct ExplainOptions {
  std::string url;
  std::string manifests;
  std::string admin;  // where a running one listens: "http://127.0.0.1:10254"
  translate::Options translate;
};

// Returns 0 where a rule serves it, 1 where none does, 2 where the URL, the manifests or the
// running one can't be read.
int run_explain(const ExplainOptions& options, std::ostream& out);

}  // namespace portico::cli
