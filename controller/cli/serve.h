// `portico serve`: puts the halves together and lives until it is told to stop.
#pragma once

#include "controller/cli/serve_options.h"

namespace portico::cli {

// Returns the exit status: 0 after a drain, 2 where it could not start (one line on standard error
// says why).
int run_serve(const ServeOptions& options);

}  // namespace portico::cli
