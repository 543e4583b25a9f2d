// Counts what operator new is asked for.
#pragma once

#include <cstddef>

#include <absl/functional/function_ref.h>

namespace portico::routing::testing {

// Allocations by this thread while `run` runs. Linking this in replaces the program's operator new,
// except under TSan, where it always says 0.
std::size_t count_allocations(absl::FunctionRef<void()> run);

}  // namespace portico::routing::testing
