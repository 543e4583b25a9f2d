// Bytes that wait, first in, first out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

namespace portico::upstream {

// Memory:    a few times what waits at most, though it may never be empty; kept for the next bytes
//            until clear().
// Cost:      each byte is moved once at most.
class ByteQueue {
 public:
  [[nodiscard]] std::size_t size() const { return bytes_.size() - taken_; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t capacity() const { return bytes_.capacity(); }

  void append(std::span<const char> piece) {
    if (taken_ >= size()) {  // what is gone pays for moving what stays
      bytes_.erase(0, taken_);
      taken_ = 0;
    }
    bytes_.append(piece.data(), piece.size());
  }
  // The first bytes, at most `limit`. Valid until append() or clear().
  [[nodiscard]] std::span<const char> front(std::size_t limit) const {
    return {bytes_.data() + taken_, std::min(limit, size())};
  }
  void take(std::size_t count) { taken_ += count; }

  // A little memory is kept.
  void clear() {
    bytes_.clear();
    taken_ = 0;
    if (bytes_.capacity() > kKeptCapacity) {
      bytes_.shrink_to_fit();  // an empty string assigned would leave it as large as it is
    }
  }

 private:
  static constexpr std::size_t kKeptCapacity = std::size_t{16} * 1024;

  std::string bytes_;
  std::size_t taken_ = 0;  // of its front: gone
};

}  // namespace portico::upstream
