#include "proxy/net/send_batch.h"

#include <cassert>
#include <cstring>
#include <utility>

namespace portico::net {

void SendBatch::add(BatchedSender& sender, std::span<const iovec> pieces, std::size_t bytes) {
  assert(bytes <= kMaxWrite);
  if (sender.batch_entry != BatchedSender::kNone && sender.batch_entry + 1 != entries_.size()) {
    flush(sender);
  }
  if (buffer_ && used_ + bytes > buffer_.size()) {
    flush_all();
  }
  if (!buffer_) {
    buffer_ = pool_.take_large();
  }
  if (sender.batch_entry == BatchedSender::kNone) {
    sender.batch_entry = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({.sender = &sender, .begin = used_, .end = used_});
  }
  for (const iovec& piece : pieces) {
    std::memcpy(buffer_.data() + used_, piece.iov_base, piece.iov_len);
    used_ += static_cast<std::uint32_t>(piece.iov_len);
  }
  entries_.back().end = used_;
}

void SendBatch::flush(BatchedSender& sender) {
  if (sender.batch_entry != BatchedSender::kNone) {
    send(std::exchange(entries_[sender.batch_entry], Entry{}));
  }
}

void SendBatch::flush_all() {
  for (const Entry& entry : entries_) {
    if (entry.sender != nullptr) {
      send(entry);
    }
  }
  entries_.clear();
  used_ = 0;
  buffer_.release();
}

void SendBatch::send(const Entry& entry) {
  entry.sender->batch_entry = BatchedSender::kNone;
  entry.sender->send_batched({buffer_.data() + entry.begin, entry.end - entry.begin});
}

}  // namespace portico::net
