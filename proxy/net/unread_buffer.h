// Bytes that arrived and were not taken yet. For the transports of this folder.
#pragma once

#include <cstddef>
#include <span>

#include "proxy/net/buffer_pool.h"
#include "proxy/net/transport.h"

namespace portico::net {

//   [ taken | unread | room ]
//
// Thread:    worker-bound.
// Memory:    holds a pooled buffer only between prepare() and the moment all is taken; small first,
//            large once a read filled it or its bytes stay.
class UnreadBuffer {
 public:
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }

  // Makes room behind the unread bytes. Empty: at its bound.
  std::span<char> prepare(BufferPool& pool);
  // `bytes` were written to what prepare() gave.
  void commit(std::size_t bytes);
  // Gives the buffer back if there is nothing in it.
  void release_if_empty();
  void clear();

  // Offers what is unread. `alive` says, after the sink was called, whether this object (and the
  // transport around it) still exists; the bytes do until the sink returns, whatever it does.
  // False: it does not.
  template <typename Alive>
  bool offer_to(TransportSink& sink, Alive alive) {
    Buffer buffer = std::move(buffer_);
    const std::size_t taken = sink.on_bytes({buffer.data() + begin_, size()});
    if (!alive()) {
      return false;
    }
    begin_ += static_cast<std::uint32_t>(taken);
    if (begin_ == end_) {
      begin_ = end_ = 0;
      return true;
    }
    buffer_ = std::move(buffer);
    return true;
  }

 private:
  static constexpr std::size_t kMinRoom = 2048;

  [[nodiscard]] std::size_t room() const { return buffer_.size() - end_; }
  void move_to(char* memory);

  Buffer buffer_;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  bool bulk_ = false;
};

}  // namespace portico::net
