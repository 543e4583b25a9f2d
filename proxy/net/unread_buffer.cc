#include "proxy/net/unread_buffer.h"

#include <cassert>
#include <cstring>

namespace portico::net {

static_assert(BufferPool::kLarge == Transport::kMaxUnread);

std::span<char> UnreadBuffer::prepare(BufferPool& pool) {
  if (!buffer_) {
    buffer_ = bulk_ ? pool.take_large() : pool.take_small();
  }
  if (room() < kMinRoom && begin_ > 0) {
    move_to(buffer_.data());
  }
  if (room() < kMinRoom && buffer_.size() < BufferPool::kLarge) {
    Buffer large = pool.take_large();
    move_to(large.data());
    buffer_ = std::move(large);
  }
  return {buffer_.data() + end_, room()};
}

void UnreadBuffer::commit(std::size_t bytes) {
  assert(bytes <= room());
  end_ += static_cast<std::uint32_t>(bytes);
  bulk_ = room() == 0;
}

void UnreadBuffer::release_if_empty() {
  if (empty()) {
    clear();
  }
}

void UnreadBuffer::clear() {
  begin_ = end_ = 0;
  buffer_.release();
}

void UnreadBuffer::move_to(char* memory) {
  std::memmove(memory, buffer_.data() + begin_, size());
  end_ -= begin_;
  begin_ = 0;
}

}  // namespace portico::net
