#include "proxy/net/buffer_pool.h"

#include <cassert>
#include <memory>

namespace portico::net {

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    release();
    pool_ = std::exchange(other.pool_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void Buffer::release() {
  if (data_ != nullptr) {
    pool_->give_back(std::exchange(data_, nullptr), std::exchange(size_, 0));
    pool_ = nullptr;
  }
}

BufferPool::BufferPool() {
  free_small_.reserve(kKeptSmall);
  free_large_.reserve(kKeptLarge);
}

BufferPool::~BufferPool() {
  assert(in_use_ == 0 && "a buffer outlives its pool");
  for (char* data : free_small_) {
    delete[] data;
  }
  for (char* data : free_large_) {
    delete[] data;
  }
}

Buffer BufferPool::take(std::size_t size, std::vector<char*>& free_list) {
  ++in_use_;
  if (free_list.empty()) {
    return {this, new char[size], size};
  }
  char* data = free_list.back();  // the one used last: the warmest in the cache
  free_list.pop_back();
  return {this, data, size};
}

void BufferPool::give_back(char* data, std::size_t size) {
  --in_use_;
  const bool small = size == kSmall;
  std::vector<char*>& free_list = small ? free_small_ : free_large_;
  if (free_list.size() < (small ? kKeptSmall : kKeptLarge)) {
    free_list.push_back(data);
    return;
  }
  delete[] data;
}

}  // namespace portico::net
