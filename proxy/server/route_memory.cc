#include "proxy/server/route_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <sys/mman.h>

#include "tls/mutex.h"

namespace portico::server {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kPooled = false;
#elif defined(__has_feature)
constexpr bool kPooled = !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool kPooled = true;
#endif

constexpr std::size_t kLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kRegion = 16 * kHugePage;  // of address space; memory comes as it is touched

constexpr std::uintptr_t round_up(std::uintptr_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Cuts pieces from regions and takes none back: the pool above asks once for what its peak needs.
class Regions final : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    alignment = std::max(alignment, kLine);
    if (round_up(next_, alignment) + bytes > end_) {
      reserve(bytes + alignment);
    }
    const auto at = round_up(next_, alignment);
    next_ = at + bytes;
    return reinterpret_cast<void*>(at);
  }
  void do_deallocate(void* /*piece*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {}
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  void reserve(std::size_t bytes) {
    const auto size = round_up(std::max(kRegion, bytes), kHugePage) + kHugePage;
    void* const mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
      throw std::bad_alloc();
    }
    const auto begin = reinterpret_cast<std::uintptr_t>(mapped);
    const bool first = end_ == 0;
    next_ = round_up(begin, kHugePage);
    end_ = begin + size;
    // A few hosts fit in small pages, and should not cost a huge one.
    const auto huge = next_ + (first ? kHugePage : 0);
    ::madvise(reinterpret_cast<void*>(huge), end_ - huge, MADV_HUGEPAGE);
  }

  std::uintptr_t next_ = 0;
  std::uintptr_t end_ = 0;
};

class RouteMemory final : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (is_too_large(bytes)) {
      return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    const tls::MutexLock lock(mutex_);
    return pool_.allocate(pooled_size(bytes), alignment);
  }
  void do_deallocate(void* piece, std::size_t bytes, std::size_t alignment) override {
    if (is_too_large(bytes)) {
      std::pmr::new_delete_resource()->deallocate(piece, bytes, alignment);
      return;
    }
    const tls::MutexLock lock(mutex_);
    pool_.deallocate(piece, pooled_size(bytes), alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  // The pool would hand these to the regions, which take nothing back.
  static constexpr std::size_t kLargestPooled = std::size_t{64} << 10;
  static bool is_too_large(std::size_t bytes) { return bytes > kLargestPooled; }
  // From 128 bytes on, the pool's own sizes are whole lines; below, it has some that are not.
  static std::size_t pooled_size(std::size_t bytes) {
    return std::max(round_up(bytes, kLine), 2 * kLine);
  }

  tls::Mutex mutex_;
  Regions regions_ PORTICO_GUARDED_BY(mutex_);
  std::pmr::unsynchronized_pool_resource pool_ PORTICO_GUARDED_BY(mutex_){
      {.max_blocks_per_chunk = 256, .largest_required_pool_block = kLargestPooled}, &regions_};
};

}  // namespace

std::pmr::memory_resource& route_memory() {
  if constexpr (!kPooled) {
    return *std::pmr::new_delete_resource();
  }
  static RouteMemory& memory = *new RouteMemory;
  return memory;
}

}  // namespace portico::server
