// Where objects come from: a folder of manifests, or an API server.
#pragma once

#include <functional>
#include <string>
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

// A Secret that came to be named by an Ingress, or that none names any more.
struct SecretUse {
  std::string key;  // "namespace/name"
  bool used = false;
};

using BatchHandler = std::move_only_function<void(Batch)>;

}  // namespace portico::kube
