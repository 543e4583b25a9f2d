// Small writes of one turn of the loop, sent one after another when the turn is over.
//
// The peers wake to several messages instead of one, and the kernel's send path runs warm: 5 to 12
// % of what a proxied request costs on a busy loop. For the files of this folder only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/uio.h>
#include <vector>

#include "proxy/net/buffer_pool.h"

namespace portico::net {

class BatchedSender {
 public:
  // Sends, or keeps, all of it. Tells nobody from inside the call.
  virtual void send_batched(std::span<const char> bytes) = 0;

  // Where the batch holds its bytes.
  static constexpr std::uint32_t kNone = 0xffffffff;
  std::uint32_t batch_entry = kNone;

 protected:
  ~BatchedSender() = default;
};

// Thread:    worker-bound.
// Memory:    one pooled buffer while anything waits; when it is full, all that waits is sent.
class SendBatch {
 public:
  // What is larger is sent from where it lies.
  static constexpr std::size_t kMaxWrite = std::size_t{8} * 1024;

  explicit SendBatch(BufferPool& pool) : pool_(pool) {}

  // Copies the pieces, of `bytes` in all (at most kMaxWrite), behind what already waits of this
  // sender.
  void add(BatchedSender& sender, std::span<const iovec> pieces, std::size_t bytes);
  // Sends now what waits of this sender.
  void flush(BatchedSender& sender);
  // At the end of each turn.
  void flush_all();
  [[nodiscard]] bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    BatchedSender* sender;  // null: sent already
    std::uint32_t begin;
    std::uint32_t end;
  };

  void send(const Entry& entry);

  BufferPool& pool_;
  Buffer buffer_;
  std::uint32_t used_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace portico::net
