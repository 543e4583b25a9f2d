// Where objects come from: a folder of manifests, or (later) an API server.
#pragma once

#include <functional>
#include <vector>

#include "controller/kube/objects.h"
#include "routing/diagnostic.h"

namespace portico::kube {

// What a source tells, in one call per batch. All of one file's (or event's) changes come together.
struct Batch {
  std::vector<Change> changes;
  // The findings about reading, for all files as they now are: not only for what changed.
  bool diagnostics_changed = false;
  routing::Diagnostics diagnostics;
  bool synced = false;  // everything that was there at start has been told
};

using BatchHandler = std::move_only_function<void(Batch)>;

}  // namespace portico::kube
