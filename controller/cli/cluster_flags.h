// The flags of `portico serve` about the cluster: which API server, what of it is read, and what is
// written back.
#pragma once

#include <cstdint>
#include <string>

#include "controller/cli/serve_options.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own
class App;
}

namespace portico::cli {

// Texts as they were given, before they are judged together.
struct ClusterFlags {
  std::string namespace_selector;
  std::string publish_status_address;
  std::string election_ttl;
};

// What the objects are read with; for `check` and `explain` too.
void add_settings_flags(CLI::App& app, translate::Options& options);
void add_cluster_flags(CLI::App& app, ServeOptions& options, ClusterFlags& flags);

// What the flags mean together. Throws CLI::ValidationError, as all of the command line does.
void read_cluster_flags(const ClusterFlags& flags, ServeOptions& options);

}  // namespace portico::cli
