#include "routing/testing/count_allocations.h"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t allocations = 0;

[[maybe_unused]] void* allocate(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (block == nullptr) {
    std::abort();
  }
  return block;
}

}  // namespace

// TSan's own operator new can't be replaced; there nothing is counted, and the tests only walk the
// path.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PORTICO_TSAN
#endif
#endif
#if !defined(PORTICO_TSAN) && !defined(__SANITIZE_THREAD__)
void* operator new(std::size_t bytes) {
  return allocate(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  std::free(block);
}
#endif

namespace portico::routing::testing {

std::size_t count_allocations(absl::FunctionRef<void()> run) {
  const auto before = allocations;
  run();
  return allocations - before;
}

}  // namespace portico::routing::testing
