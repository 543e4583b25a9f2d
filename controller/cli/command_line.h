// The command line's contract: flags, their defaults and their refusals.
#pragma once

namespace portico::cli {

// Parses, runs the subcommand, and returns the exit status. A bad command line is 2 and one line
// that says why.
int run(int argc, char** argv);

}  // namespace portico::cli
