// Where compiled routes lie: huge pages where the kernel gives them. At a hundred thousand hosts a
// small page's missing translation costs a match as much as the memory behind it.
#pragma once

#include <memory_resource>

namespace portico::server {

// Thread:    any.
// Lifetime:  never destroyed: routes may die after main() has returned.
// Memory:    keeps for later routes what is given back. In sanitizer builds it is the heap, so that
//            they see each host's bounds and its end.
std::pmr::memory_resource& route_memory();

}  // namespace portico::server
