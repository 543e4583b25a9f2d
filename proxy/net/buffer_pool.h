// The memory that bytes pass through: two sizes of buffers, kept on bounded free lists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace portico::net {

class BufferPool;

// One buffer, on loan from a pool; goes back when it dies. Empty when default-constructed or moved
// from.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { release(); }

  [[nodiscard]] char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  explicit operator bool() const { return data_ != nullptr; }
  void release();

 private:
  friend class BufferPool;
  Buffer(BufferPool* pool, char* data, std::size_t size) : pool_(pool), data_(data), size_(size) {}

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Thread:    worker-bound.
// Lifetime:  outlives its buffers.
// Memory:    keeps at most kKeptSmall and kKeptLarge free buffers; what a peak needed beyond that
// is
//            freed as it comes back.
class BufferPool {
 public:
  static constexpr std::size_t kSmall = std::size_t{16} * 1024;
  // Bulk data, and heads of up to 64 KiB with something behind them.
  static constexpr std::size_t kLarge = std::size_t{80} * 1024;
  static constexpr std::size_t kKeptSmall = 64;
  static constexpr std::size_t kKeptLarge = 16;

  BufferPool();
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  Buffer take_small() { return take(kSmall, free_small_); }
  Buffer take_large() { return take(kLarge, free_large_); }

  // Buffers on loan now.
  [[nodiscard]] std::size_t in_use() const { return in_use_; }
  // Free ones that are kept.
  [[nodiscard]] std::size_t kept() const { return free_small_.size() + free_large_.size(); }

 private:
  friend class Buffer;
  Buffer take(std::size_t size, std::vector<char*>& free_list);
  void give_back(char* data, std::size_t size);

  std::vector<char*> free_small_;
  std::vector<char*> free_large_;
  std::size_t in_use_ = 0;
};

}  // namespace portico::net
